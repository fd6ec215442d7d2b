#!/usr/bin/env bash
# Builds a release:
#
#   minicopilot-VERSION-x86_64-unknown-linux-gnu.tar.gz   program, plugins, manual and shell completions; unpacked over ~/.local
#   minicopilot-VERSION-….whl                             the program for pip
#   minicopilot-VERSION-linux-x64.vsix                    the extension for VS Code, including the program
#   SHA256SUMS
#
#   tests/package.sh [FOLDER]     default: the cache folder's release
#
# Everything comes from one build for Linux on x86-64 with glibc 2.17 or newer, linked by Zig. Zig, maturin, Node and a Neovim
# (for the help's tags) are installed into the cache folder once. tests/package/check.sh installs and tests the result.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
case ${1:-} in -*)
    sed -n '2,/^set/{s/^# \{0,1\}//p}' "$0"
    exit 2
    ;;
esac
. "$root/tests/prerequisites.sh"
prerequisites rust release
. "$root/tests/cache.sh"
release=$(realpath -m -- "${1:-$cache/release}")
fail() {
    echo "tests/package.sh: $*" >&2
    exit 1
}
. "$root/tests/editors/vscode/install.sh"
cd "$root"

version=$(cargo metadata --format-version 1 --locked --no-deps | python3 -c \
    'import json, sys; print(next(p["version"] for p in json.load(sys.stdin)["packages"] if p["name"] == "minicopilot"))')
target=x86_64-unknown-linux-gnu
name=minicopilot-$version-$target
mkdir -p "$release"
rm -f "$release/minicopilot-$version"-* "$release/SHA256SUMS"
work=$(mktemp -d)
# maturin only picks it up next to the other licences.
notices=$root/LICENSE-THIRD-PARTY
trap 'rm -rf "$work" "$notices"' EXIT

# Builds the wheel and extracts the program from it, so that there is only one build. maturin adds Cargo.toml's licences.
maturin=$(environment maturin-1.16.0 maturin==1.16.0 ziglang==0.17.1)
prepare_extension
python3 tests/package/notices.py $target "$build/node_modules" vscode-languageclient > "$notices"
PATH=$maturin/bin:$PATH maturin build --release --zig --compatibility manylinux2014 --target $target --out "$release"
wheel=$(ls "$release/minicopilot-$version"-*.whl)
python3 -m zipfile -e "$wheel" "$work/wheel"
program=$work/wheel/minicopilot-$version.data/scripts/minicopilot
chmod 755 "$program"

# The program must only depend on the C library, in an old version.
symbols=$(objdump -T "$program")
newest=$(grep -oE 'GLIBC_[0-9.]+' <<< "$symbols" | cat - <(echo GLIBC_2.17) | sort -V | tail -n 1)
[ "$newest" = GLIBC_2.17 ] || fail "the program needs $newest"
needed=$(objdump -p "$program" | awk '/NEEDED/ { print $2 }' | grep -vxE 'lib(c|m|dl|pthread|rt)\.so\..|ld-linux-x86-64\.so\.2' || true)
[ -z "$needed" ] || fail "the program needs ${needed//$'\n'/ }"

# The extension.
vsix=$release/minicopilot-$version-linux-x64.vsix
pack_extension "$program" "$vsix" "$notices"

# The archive has the layout of an installation prefix.
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
nvim=$(tests/editors/neovim/install.sh 0.11)
plugin=$share/nvim/site/pack/minicopilot/start/minicopilot
cp -r editors/neovim/{doc,lsp,lua,plugin} "$plugin"
"$nvim" --clean --headless -c "helptags $plugin/doc" -c quit
tar --directory "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct 2>/dev/null || date +%s)" \
    --create "$name" | gzip -9n > "$release/$name.tar.gz"
(cd "$release" && sha256sum -- "minicopilot-$version"-* > SHA256SUMS)

for file in "$wheel" "$vsix"; do
    [ "$(stat -c %s "$file")" -le 30000000 ] || fail "$file is larger than 30 MB"
done

echo
(cd "$release" && du -h --apparent-size -- "minicopilot-$version"-* SHA256SUMS)
