#!/usr/bin/env bash
# Emacs with eglot, without a window: expects five candidates with probabilities after `os.`. Not part of
# tests/all.sh, because it needs a system package.
#
#   tests/editors/emacs/run.sh PROGRAM
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
MINICOPILOT=$(realpath "${1:?the program}")
export MINICOPILOT
command -v emacs >/dev/null || {
    echo "Emacs is missing: apt-get install emacs-nox elpa-eglot" >&2
    exit 1
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf 'import os\n\n' >"$folder/a.py"
emacs --version | head -n 1
answer=$(timeout 60 emacs -Q --batch -l "$here/eglot.el" "$folder/a.py" 2>"$folder/log") || {
    cat "$folder/log" >&2
    exit 1
}
echo "$answer"
if [ "$(grep -cE '^\w+ <?[0-9]+ %$' <<<"$answer")" = 5 ]; then
    echo "1 passed, 0 failed"
else
    echo "0 passed, 1 failed"
    exit 1
fi
