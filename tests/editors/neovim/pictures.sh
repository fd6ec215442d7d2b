#!/usr/bin/env bash
# Generates the README's pictures of Neovim: screens of 0.11 in a terminal, as SVG. Needs tmux.
#
#   tests/editors/neovim/pictures.sh PROGRAM
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
plugin=$(cd "$here/../../../editors/neovim" && pwd)
nvim=$("$here/install.sh" 0.11)
folder=$(mktemp -d)
terminal=(tmux -L "pictures-$$" -f /dev/null)
trap '"${terminal[@]}" kill-server 2>/dev/null || true; rm -rf "$folder"' EXIT
MINICOPILOT=$(realpath "${1:?the program}")
export MINICOPILOT PLUGIN=$plugin LANG=C.UTF-8 TERM=xterm-256color XDG_STATE_HOME=$folder

wait_for() { # TEXT
    local _
    for _ in $(seq 200); do
        "${terminal[@]}" capture-pane -p | grep -qF "$1" && return
        sleep 0.05
    done
    "${terminal[@]}" capture-pane -p >&2
    echo "never shown: $1" >&2
    exit 1
}

picture() { # NAME LINES COLUMNS WAITED-FOR KEYS...   of a.py
    local name=$1 lines=$2 columns=$3 text=$4
    shift 4
    (cd "$folder" && "${terminal[@]}" new-session -d -s "$name" -x "$columns" -y "$lines" \
        "$nvim --clean -u $here/init.lua --cmd 'set termguicolors noruler laststatus=0 noshowcmd' a.py")
    "${terminal[@]}" set -ga terminal-overrides ',*:RGB'
    wait_for "$(head -n 1 "$folder/a.py")"
    "${terminal[@]}" send-keys ':lua vim.wait(9000, function() return vim.fn.exists("#minicopilot.popup.1") == 1 end)' Enter
    "${terminal[@]}" send-keys ':lua vim.lsp.get_clients()[1]:request_sync("minicopilot/project", nil, 9000)' Enter
    "${terminal[@]}" send-keys "$@"
    wait_for "$text"
    "${terminal[@]}" capture-pane -p -e >"$folder/$name.ansi"
    python3 "$here/screens.py" "$folder/$name.ansi" >"$plugin/$name.svg"
    "${terminal[@]}" kill-session -t "$name"
}

printf 'import os\n\n' >"$folder/a.py"
picture popup 12 60 'makedirs' G o 'os.'

cat >"$folder/a.py" <<'PYTHON'
class Account:
    def __init__(self, owner, balance=0):
        self.owner = owner
PYTHON
picture ghost 10 60 'self.balance = balance' G o 'self.b'

touch "$folder/pyproject.toml"
cat >"$folder/store.py" <<'PYTHON'
class Store:
    def __init__(self, path):
        self.path = path
        self.accounts = {}

    def open_account(self, owner):
        self.accounts[owner] = 0

    def close_account(self, owner):
        del self.accounts[owner]
PYTHON
cat >"$folder/a.py" <<'PYTHON'
from store import Store


def main(path, owners):
    store = Store(path)
    for owner in owners:
PYTHON
picture why 16 110 'close_account Field' G ':Minicopilot why' Enter o 'store.'
