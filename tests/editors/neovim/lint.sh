#!/usr/bin/env bash
# Runs StyLua and luacheck on the plugin and its tests. Part of .ci/run, not of tests/all.sh: luacheck is a system package.
#
#   tests/editors/neovim/lint.sh [--fix]
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
. "$root/tests/prerequisites.sh"
prerequisites lint
. "$root/tests/cache.sh"
. "$root/tests/editors/vscode/install.sh"

stylua=2.5.2
install_stylua() {
    echo '{"private": true}' >package.json && npm install --no-save "@johnnymorganz/stylua@$stylua"
}
once stylua "$stylua" install_stylua
cd "$root"
check=--check
[ "${1:-}" != --fix ] || check=
mapfile -t files < <(find editors/neovim tests/editors/neovim -name '*.lua')
node tests/editors/neovim/stylua.mjs "$cache/stylua/node_modules/@johnnymorganz/stylua/stylua_lib_node.cjs" $check "${files[@]}"
luacheck --quiet --config editors/neovim/.luacheckrc editors/neovim tests/editors/neovim
