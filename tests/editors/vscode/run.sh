#!/usr/bin/env bash
# Tests the extension in a real VS Code: packages it with PROGRAM, installs it into code-server, and drives it in Chromium.
#
#   tests/editors/vscode/run.sh [PROGRAM]     default: target/debug/minicopilot
#
# Node, code-server, the extension's own packages and Pyright are installed into the cache folder once. CHROMIUM names a Chromium or
# Chrome, if none is on the PATH. Screenshots are saved to OUT (default: the cache folder's vscode-screens).
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
. "$root/tests/prerequisites.sh"
prerequisites vscode
. "$root/tests/cache.sh"
program=$(realpath "${1:-${CARGO_TARGET_DIR:-$root/target}/debug/minicopilot}")
. "$root/tests/editors/vscode/install.sh"

# code-server from npm. Its native modules need a compiler, but the test does not use them.
code_server=4.139.1
install_code_server() {
    echo '{"private": true}' > package.json &&
        npm install --ignore-scripts --no-save --omit=dev "code-server@$code_server" &&
        cd node_modules/code-server/lib/vscode &&
        npm install --ignore-scripts --omit=dev &&
        cd extensions &&
        npm install --ignore-scripts --omit=dev
}
once vscode/code-server "$code_server $node" install_code_server

tools="playwright-core@1.65.1 pyright@1.1.414"
install_tools() {
    # shellcheck disable=SC2086 # a list
    echo '{"private": true}' > package.json && npm install --ignore-scripts --no-save $tools
}
once vscode/tools "$tools" install_tools

CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}

pack_extension "$program" "$here/minicopilot.vsix"

# Pyright as an extension for this test only: its language server and a client.
mkdir -p "$here/pyright"
cp "$root"/tests/editors/vscode/pyright/* "$here/pyright"
export PATH=$build/node_modules/.bin:$PATH
cd "$here/pyright"
NODE_PATH=$build/node_modules esbuild extension.js --log-level=warning \
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
