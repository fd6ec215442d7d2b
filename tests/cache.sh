# shellcheck shell=bash
# Source this file: defines the cache folder (`cache`) and installs things into it once. The system is not modified.
cache=${MINICOPILOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/minicopilot-tests}
mkdir -p "$cache"

# Runs COMMAND; prints its output to stderr only if it fails.
quietly() { # COMMAND...
    "$@" >"$cache/install.log" 2>&1 || {
        cat "$cache/install.log" >&2
        return 1
    }
}

# Runs COMMAND in an empty folder of the cache, unless DESCRIPTION is already installed there. errexit is off in COMMAND.
once() { # FOLDER DESCRIPTION COMMAND...
    local folder=$cache/$1 description=$2
    shift 2
    [ "$(cat "$folder/.installed" 2>/dev/null)" != "$description" ] || return 0
    rm -rf "$folder"
    mkdir -p "$folder"
    (cd "$folder" && quietly "$@") || {
        cat >&2 <<REMEDY

$folder could not be installed; the reason is above.
It is downloaded once, from PyPI or npm's registry. Set HTTPS_PROXY for a proxy, PIP_INDEX_URL and npm_config_registry for mirrors.
Finished installations stay in $cache: run the same command again to continue.
REMEDY
        return 1
    }
    echo "$description" >"$folder/.installed"
}

# Creates a virtual environment with packages from PyPI; prints its folder.
environment() { # NAME PACKAGE...
    once "$1" "${*:2}" make_environment python3 "${@:2}" && echo "$cache/$1"
}

# Creates it in the current folder. PACKAGES are arguments of pip install.
make_environment() { # PYTHON PACKAGES...
    "$1" -m venv . && bin/pip install --quiet --disable-pip-version-check "${@:2}"
}
