#!/usr/bin/env bash
# Tests the plugins in real editors: Neovim 0.11 and 0.12, then VS Code.
#
#   tests/editors/run.sh [PROGRAM]     default: target/debug/minicopilot
#
# Requirements are installed into the cache folder once; see neovim/run.sh and vscode/run.sh.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/neovim/run.sh" "$@"
"$here/vscode/run.sh" "$@"
