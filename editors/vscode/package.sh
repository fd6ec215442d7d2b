#!/usr/bin/env bash
# Packs the extension with a server inside, for one platform.
#
#   npm ci && ./package.sh PROGRAM [TARGET] [FILE.vsix] [NOTICES]
#
# PROGRAM  a `minicopilot` built for TARGET: linux-x64 (default), linux-arm64, darwin-arm64, win32-x64, ...
# NOTICES  the licences of what is inside, for a package that is given to others
# Needs Node 22 or newer, for vsce.
set -euo pipefail
program=$(realpath "${1:?the server: ./package.sh PROGRAM [TARGET] [FILE.vsix] [NOTICES]}")
target=${2:-linux-x64}
file=$(realpath -m "${3:-minicopilot-$target.vsix}")
notices=${4:+$(realpath "$4")}
cd "$(dirname "$0")"

name=minicopilot
case $target in win32-*) name=minicopilot.exe ;; esac
rm -rf bin dist LICENSE-THIRD-PARTY.txt
mkdir bin
install -m 755 "$program" "bin/$name"
cat ../../LICENSE-MIT <(printf '\n%s\n\n' '--- or, at your choice ---') ../../LICENSE-APACHE > LICENSE.txt
[ -z "$notices" ] || cp "$notices" LICENSE-THIRD-PARTY.txt

npm run --silent check
npm run --silent bundle
npm exec --no -- vsce package --target "$target" --no-dependencies --allow-missing-repository --out "$file"
