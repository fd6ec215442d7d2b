# shellcheck shell=bash
# Source this file: checks for requirements that the tests cannot install into the cache folder themselves.
#
#   prerequisites GROUP...       lists everything that is missing and how to install it, in one message; fails if anything is missing
#   missing_packages GROUP...    the Debian packages that provide what is missing, one per line
#
#   rust       cargo test
#   python     the checks against CPython; sets `python` to the CPython 3.9 to 3.11 that it found
#   neovim     the plugin in Neovim
#   vscode     the extension in VS Code
#   release    tests/package.sh
#   lint       tests/editors/neovim/lint.sh
#
# MINICOPILOT_PYTHON, CHROMIUM and NVIM_0_12 name programs that are not on the PATH. Only shell builtins are used, because a minimal
# system may have nothing else.

missing=()  # one line for each missing thing
packages=() # the Debian packages that provide it
others=()   # commands for what no package provides
admin='sudo '
[ "$EUID" != 0 ] || admin=''

need() { # WHAT USED-BY [PACKAGE...]
    missing+=("$(printf '%-30s %s' "$1" "$2")")
    packages+=("${@:3}")
}

has() { # PROGRAM: on the PATH (a shell builtin of that name does not count)
    type -P "$1" >/dev/null
}

rustup="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . ~/.cargo/env"

# ID-VERSION_ID of the distribution: debian-12, ubuntu-24.04.
system() (
    ID='' VERSION_ID=''
    # shellcheck source=/dev/null
    [ ! -r /etc/os-release ] || . /etc/os-release
    echo "$ID-$VERSION_ID"
)

need_rust() {
    if ! has cargo; then
        need "cargo (Rust 1.95)" "builds everything"
        others+=("$rustup")
    elif ! has rustup; then
        # rustup fetches the version that rust-toolchain.toml names; without it, cargo itself must be new enough.
        local version
        version=$(cargo --version 2>/dev/null) || version=0
        version=${version#cargo 1.}
        if ((${version%%.*} < 95)); then
            need "rustup, or Rust 1.95" "$(type -P cargo) is older"
            others+=("$rustup")
        fi
    fi
    if ! has cc; then
        need "cc (a C compiler)" "links, and builds zstd" gcc libc6-dev
    elif ! cc -fsyntax-only -include stdlib.h -x c /dev/null 2>/dev/null; then
        need "the C library's headers" "zstd is built with them" libc6-dev
    fi
    has kill || need "kill" "the tests that interrupt a run" procps
}

# The system's python3, of any version, makes virtual environments in the cache folder.
need_python3() {
    if ! has python3; then
        need "python3" "installs tools from PyPI into the cache folder" python3 python3-venv
    elif ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        need "python3 with venv" "installs tools from PyPI into the cache folder" python3-venv
    fi
}

# The comparison needs a tokenize that still gives an f-string as one token: CPython 3.9 to 3.11.
need_python() {
    local candidate
    for candidate in ${MINICOPILOT_PYTHON:-python3 python3.11 python3.10 python3.9 ~/.local/bin/python3.11}; do
        if "$candidate" -c 'import sys, ensurepip, venv; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))' 2>/dev/null; then
            # shellcheck disable=SC2034 # for the script that sources this
            python=$(type -P "$candidate")
            case $python in /*) ;; *) python=$PWD/$python ;; esac
            return
        fi
    done
    if [ -n "${MINICOPILOT_PYTHON:-}" ]; then
        need "CPython 3.9 to 3.11 with venv" "MINICOPILOT_PYTHON is not one: $MINICOPILOT_PYTHON"
        return
    fi
    need "CPython 3.9 to 3.11 with venv" "the lexer is compared with its tokenize module"
    case $(system) in
    debian-11 | debian-12 | ubuntu-22.04) packages+=(python3 python3-venv) ;;
    *) # uv puts python3.11 into ~/.local/bin
        others+=("curl -LsSf https://astral.sh/uv/install.sh | sh && ~/.local/bin/uv python install 3.11")
        ;;
    esac
}

need_neovim() {
    need_python3
    need_tools
    if [ -n "${NVIM_0_12:-}" ]; then
        has "$NVIM_0_12" || need "Neovim 0.12" "NVIM_0_12 is not a program: $NVIM_0_12"
    elif [ ! -e "${MINICOPILOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/minicopilot-tests}/neovim-0.12/installed" ]; then
        if ! has apt-get || ! has dpkg || ! [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
            need "apt-get and Debian's keys" "fetches Neovim 0.12; or set NVIM_0_12=PROGRAM" debian-archive-keyring
        fi
    fi
}

need_vscode() {
    need_python3
    need_tools
    if [ -n "${CHROMIUM:-}" ]; then
        has "$CHROMIUM" || need "Chromium" "CHROMIUM is not a program: $CHROMIUM"
    elif ! has chromium && ! has chromium-browser && ! has google-chrome; then
        need "chromium" "shows VS Code; or set CHROMIUM=PROGRAM to a Chromium or Chrome" fonts-dejavu-core
        case $(system) in
        ubuntu-*) # whose chromium is a snap, which sees neither hidden folders nor the system's /tmp
            local chrome=google-chrome-stable_current_amd64.deb
            others+=("curl -O https://dl.google.com/linux/direct/$chrome && ${admin}apt-get install --yes ./$chrome")
            ;;
        *) packages+=(chromium) ;;
        esac
    fi
}

need_release() {
    need_python3
    need_tools
    has objdump || need "objdump" "shows which glibc the program needs" binutils
    case $MACHTYPE in
    x86_64-*linux-gnu*) ;;
    *) need "Linux on x86-64 with glibc" "the release is built for it and run on it; this is $MACHTYPE" ;;
    esac
}

need_tools() {
    has tar || need "tar" "packs the extension and the release" tar
    has gzip || need "gzip" "packs the release" gzip
    has awk || need "awk" "reads what programs print" mawk
    has sha256sum || need "GNU coreutils" "sha256sum, timeout, stat" coreutils
}

need_lint() {
    need_python3
    has luacheck || need "luacheck" "lints the Neovim plugin" lua-check
}

look_for() { # GROUP...
    local group
    missing=() packages=() others=()
    for group in "$@"; do
        "need_$group"
    done
    [ ${#others[@]} = 0 ] || has curl || packages+=(curl ca-certificates)
}

# Its arguments without repetitions, one per line.
distinct() {
    local word seen=$'\n'
    for word in "$@"; do
        case $seen in *$'\n'"$word"$'\n'*) continue ;; esac
        seen+=$word$'\n'
        printf '%s\n' "$word"
    done
}

missing_packages() { # GROUP...
    look_for "$@"
    [ ${#packages[@]} = 0 ] || distinct "${packages[@]}"
}

prerequisites() { # GROUP...
    look_for "$@"
    [ ${#missing[@]} != 0 ] || return 0
    local line names
    {
        printf '%s: this machine lacks\n\n' "$0"
        distinct "${missing[@]}" | while IFS= read -r line; do printf '    %s\n' "$line"; done
        if [ ${#packages[@]} != 0 ]; then
            names=$(distinct "${packages[@]}")
            printf '\nOn Debian and Ubuntu (other systems have packages of similar names):\n\n'
            printf '    %sapt-get update && %sapt-get install --yes %s\n' "$admin" "$admin" "${names//$'\n'/ }"
        fi
        if [ ${#others[@]} != 0 ]; then
            printf '\nThen:\n\n'
            distinct "${others[@]}" | while IFS= read -r line; do printf '    %s\n' "$line"; done
        fi
        printf '\n'
    } >&2
    return 1
}
