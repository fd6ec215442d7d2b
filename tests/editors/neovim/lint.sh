#!/usr/bin/env bash
# StyLua and luacheck over the plugin and its tests. Needs Node, npm and luacheck (apt-get install lua-check).
#
#   tests/editors/neovim/lint.sh [--fix]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
cache=${MINICOPILOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/minicopilot-tests}
package=$cache/stylua-2.5.2
[ -e "$package/node_modules" ] || npm install --silent --prefix "$package" @johnnymorganz/stylua@2.5.2
cd "$root"
check=--check
[ "${1:-}" != --fix ] || check=
mapfile -t files < <(find editors/neovim tests/editors/neovim -name '*.lua')
node "$here/stylua.mjs" "$package/node_modules/@johnnymorganz/stylua/stylua_lib_node.cjs" $check "${files[@]}"
luacheck --quiet --config editors/neovim/.luacheckrc editors/neovim tests/editors/neovim
