#!/usr/bin/env bash
# Makes a release, and installs each of its files into an empty home to see that it works:
#
#   minicopilot-VERSION-x86_64-unknown-linux-gnu.tar.gz   program, plugins, manual and shell completions; unpacked over ~/.local
#   minicopilot-VERSION-….whl                             the program for pip
#   minicopilot-VERSION-linux-x64.vsix                    the extension for VS Code, the program inside
#   SHA256SUMS
#
#   tests/package.sh [FOLDER]     default: the cache folder's release
#
# All of it is one build, for Linux on x86-64 with glibc 2.17 or newer: Zig links it against that. Zig, maturin, Node and the
# Neovims that are tried are installed into the cache folder, once.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cache=${MINICOPILOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/minicopilot-tests}
release=${1:-$cache/release}
rm -rf "$release"
mkdir -p "$release"
release=$(realpath "$release")
. "$root/tests/editors/vscode/install.sh"
cd "$root"

version=$(cargo metadata --format-version 1 --locked --no-deps | python3 -c \
    'import json, sys; print(next(p["version"] for p in json.load(sys.stdin)["packages"] if p["name"] == "minicopilot"))')
target=x86_64-unknown-linux-gnu
name=minicopilot-$version-$target
work=$(mktemp -d)
notices=$root/LICENSE-THIRD-PARTY
trap 'rm -rf "$work" "$notices"' EXIT

fail() {
    echo "tests/package.sh: $*" >&2
    exit 1
}
is() { # WHAT EXPECTED FOUND
    [ "$2" = "$3" ] || fail "$1 is \"$3\", not \"$2\""
    echo "ok   $1"
}

# The wheel, and the program out of it, so that there is only one. Cargo.toml's licences go into it by themselves.
maturin=$cache/maturin-1.16.0
if [ ! -e "$maturin/installed" ]; then
    rm -rf "$maturin"
    python3 -m venv "$maturin"
    "$maturin/bin/pip" install --quiet --disable-pip-version-check maturin==1.16.0 ziglang==0.17.1
    touch "$maturin/installed"
fi
prepare_extension
cargo metadata --format-version 1 --locked --filter-platform $target |
    python3 tests/package/notices.py "$build/node_modules" vscode-languageclient > "$notices"
PATH=$maturin/bin:$PATH maturin build --release --zig --compatibility manylinux2014 --target $target --out "$release"
wheel=$(ls "$release"/*.whl)
python3 -m zipfile -e "$wheel" "$work/wheel"
program=$work/wheel/minicopilot-$version.data/scripts/minicopilot
chmod 755 "$program"

# The extension.
vsix=$release/minicopilot-$version-linux-x64.vsix
pack_extension "$program" "$vsix" "$notices"

# The archive: as a prefix has it.
share=$work/$name/share
mkdir -p "$work/$name/bin" "$share"/{doc/minicopilot,bash-completion/completions,zsh/site-functions,fish/vendor_completions.d} \
    "$share/minicopilot" "$share/nvim/site/pack/minicopilot/start/minicopilot"
cp "$program" "$work/$name/bin"
cp "$vsix" "$share/minicopilot/minicopilot.vsix"
cp README.md CHANGELOG.md LICENSE-* "$share/doc/minicopilot"
"$program" manual "$share/man/man1"
"$program" completions bash > "$share/bash-completion/completions/minicopilot"
"$program" completions zsh > "$share/zsh/site-functions/_minicopilot"
"$program" completions fish > "$share/fish/vendor_completions.d/minicopilot.fish"
nvim=$(tests/editors/neovim/install.sh "$cache" 0.11)
plugin=$share/nvim/site/pack/minicopilot/start/minicopilot
cp -r editors/neovim/{doc,lsp,lua,plugin} "$plugin"
"$nvim" --clean --headless -c "helptags $plugin/doc" -c quit
tar --directory "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct 2>/dev/null || date +%s)" \
    --create "$name" | gzip -9n > "$release/$name.tar.gz"
(cd "$release" && sha256sum -- * > SHA256SUMS)

# What it asks of the machine: nothing but the C library, and no more of that than an old one has.
newest=$(objdump -T "$program" | grep -oE 'GLIBC_[0-9.]+' | sort -Vu | tail -n 1)
is "the oldest glibc" GLIBC_2.17 "$newest"
needed=$(objdump -p "$program" | awk '/NEEDED/ { print $2 }' | grep -vxE 'lib(c|m|dl|pthread|rt)\.so\..|ld-linux-x86-64\.so\.2' || true)
is "what else it is linked with" "" "$needed"
for file in "$wheel" "$vsix"; do
    [ "$(stat -c %s "$file")" -le 30000000 ] || fail "$file has more than 30 MB"
done
is "the extension's version" "$version" "$(node -p "require('./editors/vscode/package.json').version")"

# The archive, over an empty home that has nothing else.
mkdir -p "$work/home/.local"
tar -xzf "$release/$name.tar.gz" --strip-components=1 -C "$work/home/.local"
at_home() {
    (cd "$work/home" && timeout 60 env -i HOME="$work/home" PATH="$work/home/.local/bin:/usr/bin:/bin" LANG=C.UTF-8 "$@")
}
is "its version" "minicopilot $version" "$(at_home minicopilot --version)"
at_home minicopilot doctor | grep -E '^self-test +passed' >/dev/null || fail "doctor finds something wrong"
cp tests/python/pytorch_model.py "$work/home/a.py"
answer=$(at_home minicopilot complete a.py:25:9 --json)
# shellcheck disable=SC2016 # bash expands it there
completed=$(at_home bash -c 'source .local/share/bash-completion/completions/minicopilot
    COMP_WORDS=(minicopilot com) COMP_CWORD=1; _minicopilot minicopilot com minicopilot; echo "${COMPREPLY[@]}"')
is "bash's completion of com" "complete completions" "$completed"
pages=$(at_home minicopilot --help | awk '/^Commands:/ { list = 1; next } /^$/ { list = 0 } list && /^  [a-z]/ && $1 != "help" { print "minicopilot-" $1 ".1" }')
is "the manual's pages" "$(sort <<< "minicopilot.1"$'\n'"$pages")" "$(at_home ls .local/share/man/man1 | sort)"
for nvim in "$nvim" "$(tests/editors/neovim/install.sh "$cache" 0.12)"; do
    # Without ~/.local/bin on the PATH, as where a desktop starts Neovim.
    is "$("$nvim" --version | head -n 1) without a configuration" "path" \
        "$(at_home env PATH=/usr/bin:/bin "$nvim" --headless a.py -c "luafile $root/tests/package/first_item.lua" 2>&1)"
    at_home "$nvim" --headless -c 'help minicopilot' -c qall 2>&1 | grep . && fail "no help"
done

# The wheel, without an index.
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-index "$wheel"
is "the answer of the wheel's program" "$answer" "$("$work/venv/bin/minicopilot" complete tests/python/pytorch_model.py:25:9 --json)"
"$work/venv/bin/pip" --disable-pip-version-check uninstall --quiet --yes minicopilot
[ ! -e "$work/venv/bin/minicopilot" ] || fail "pip has left the program behind"

# The extension has its parts; tests/editors/vscode/run.sh installs it and works with it.
python3 -m zipfile -e "$vsix" "$work/vsix"
cmp "$program" "$work/vsix/extension/bin/minicopilot" && echo "ok   the extension's program"

echo
(cd "$release" && ls -lh --time-style=+ -- * | awk '{ print $5 "\t" $6 }')
