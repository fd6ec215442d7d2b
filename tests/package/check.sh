#!/usr/bin/env bash
# Installs each file of a release into an empty home and tests it.
#
#   tests/package/check.sh [FOLDER]     output of tests/package.sh; default: the cache folder's release
#
# The Neovims are installed into the cache folder once.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/prerequisites.sh"
prerequisites release neovim
. "$root/tests/cache.sh"
release=$(realpath -- "${1:-$cache/release}")
cd "$root"
version=$(grep -m 1 -oP '^version = "\K[^"]+' Cargo.toml)
archive=$(ls "$release/minicopilot-$version"-*.tar.gz)
wheel=$(ls "$release/minicopilot-$version"-*.whl)
vsix=$(ls "$release/minicopilot-$version"-*.vsix)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "tests/package/check.sh: $*" >&2
    exit 1
}
is() { # WHAT EXPECTED FOUND
    [ "$2" = "$3" ] || fail "$1 is \"$3\", not \"$2\""
    echo "ok   $1"
}

(cd "$release" && sha256sum --quiet --check SHA256SUMS)

# The archive, unpacked over an empty home.
mkdir -p "$work/home/.local"
tar -xzf "$archive" --strip-components=1 -C "$work/home/.local"
at_home() {
    (cd "$work/home" && timeout 60 env -i HOME="$work/home" PATH="$work/home/.local/bin:/usr/bin:/bin" LANG=C.UTF-8 "$@")
}
is "the program's version" "minicopilot $version" "$(at_home minicopilot --version)"
at_home minicopilot doctor | grep -E '^self-test +passed' >/dev/null || fail "minicopilot doctor fails"
cp tests/python/pytorch_model.py "$work/home/a.py"
answer=$(at_home minicopilot complete a.py:25:9 --json)
# shellcheck disable=SC2016 # bash expands it there
completed=$(at_home bash -c 'source .local/share/bash-completion/completions/minicopilot
    COMP_WORDS=(minicopilot com) COMP_CWORD=1; _minicopilot minicopilot com minicopilot; echo "${COMPREPLY[@]}"')
is "bash's completion of com" "complete completions" "$completed"
pages() { # COMMAND..., each with its subcommands
    echo "$(IFS=-; echo "$*").1"
    local name
    for name in $(at_home "$@" --help | awk '/^Commands:/ { list = 1; next } /^$/ { list = 0 } list && /^  [a-z]/ && $1 != "help" { print $1 }'); do
        pages "$@" "$name"
    done
}
is "the manual's pages" "$(pages minicopilot | sort)" "$(at_home ls .local/share/man/man1 | sort)"
for nvim in 0.11 0.12; do
    nvim=$(tests/editors/neovim/install.sh $nvim)
    # Without ~/.local/bin on the PATH, as when a desktop environment starts Neovim.
    is "$("$nvim" --version | head -n 1) without a configuration" "path" \
        "$(at_home env PATH=/usr/bin:/bin "$nvim" --headless a.py -c "luafile $root/tests/package/first_item.lua" 2>&1)"
    said=$(at_home "$nvim" --headless -c 'help minicopilot' -c qall 2>&1) || fail "no help: $said"
    [ -z "$said" ] || fail "no help: $said"
done

# The wheel, without a package index.
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-index "$wheel"
is "the answer of the wheel's program" "$answer" "$("$work/venv/bin/minicopilot" complete tests/python/pytorch_model.py:25:9 --json)"
ls "$work"/venv/lib/python*/site-packages/minicopilot-*/licenses/LICENSE-THIRD-PARTY > /dev/null
"$work/venv/bin/pip" --disable-pip-version-check uninstall --quiet --yes minicopilot
[ ! -e "$work/venv/bin/minicopilot" ] || fail "pip did not remove the program"

# The extension. tests/editors/vscode/run.sh tests one built in the same way.
python3 -m zipfile -e "$vsix" "$work/vsix"
cmp "$work/home/.local/bin/minicopilot" "$work/vsix/extension/bin/minicopilot"
is "the extension's version" "$version" "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])' < "$work/vsix/extension/package.json")"
cmp "$vsix" "$work/home/.local/share/minicopilot/minicopilot.vsix"
cmp "$work/vsix/extension/LICENSE-THIRD-PARTY.txt" "$work/home/.local/share/doc/minicopilot/LICENSE-THIRD-PARTY"
echo "ok   the licences of the dependencies"
