#!/usr/bin/env bash
# Tests the plugin in real Neovims, 0.11 and 0.12 in parallel: what they show while the user types.
#
#   tests/editors/neovim/run.sh [PROGRAM]     default: target/debug/minicopilot
#
# Neovims and basedpyright are installed into the cache; NVIM_0_11 and NVIM_0_12 override them. PARTS="editing trouble beside
# typing" selects parts, SECONDS_TYPED (60) is the typing time. Screens are saved to OUT (default: the cache's neovim-screens).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
. "$root/tests/prerequisites.sh"
prerequisites neovim
. "$root/tests/cache.sh"
program=${1:-${CARGO_TARGET_DIR:-$root/target}/debug/minicopilot}
out=${OUT:-$cache/neovim-screens}

[ -x "$program" ] || {
    echo "$program is not an executable; build it with cargo build" >&2
    exit 1
}
MINICOPILOT=$(realpath "$program")
BASEDPYRIGHT=$("$here/install.sh" basedpyright)
NVIM_0_11=$("$here/install.sh" 0.11)
NVIM_0_12=$("$here/install.sh" 0.12)
export MINICOPILOT BASEDPYRIGHT
# The inner terminal needs a UTF-8 locale, which a minimal system does not set.
export LANG=C.UTF-8 TERM=xterm-256color

# The help file's tags can be generated.
documentation=$(mktemp -d)
trap 'rm -rf "$documentation"' EXIT
cp "$root"/editors/neovim/doc/*.txt "$documentation"
"$NVIM_0_11" --clean --headless -c "helptags $documentation" -c 'quit' 2>&1
grep -q '^:Minicopilot	' "$documentation/tags"
echo "ok   help tags"

# One Neovim 0.11 is the terminal of all tests. The deadline ends tests that hang.
declare -A running
for version in 0.11 0.12; do
    tested=NVIM_${version/./_}
    mkdir -p "$out/$version"
    OUT=$out/$version NVIM_TESTED=${!tested} \
        timeout --kill-after 5 "${DEADLINE:-400}" "$NVIM_0_11" --clean -l "$here/all.lua" >"$out/$version/log" 2>&1 &
    running[$version]=$!
done
passed=1 failed=0
for version in 0.11 0.12; do
    tested=NVIM_${version/./_}
    wait "${running[$version]}" || true
    printf '\n=== %s\n' "$("${!tested}" --version | head -n 1)"
    cat "$out/$version/log"
    counts=$(tail -n 1 "$out/$version/log" | grep -oE '^[0-9]+ passed, [0-9]+ failed$' || echo "0 passed, 1 failed")
    passed=$((passed + ${counts%% *}))
    counts=${counts#*, }
    failed=$((failed + ${counts%% *}))
done
printf '\n%s passed, %s failed\n' $passed $failed
[ $failed = 0 ]
