# shellcheck shell=bash
# To be sourced: the cache folder (`cache`), and how something is installed into it once. The system is not touched.
cache=${MINICOPILOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/minicopilot-tests}
mkdir -p "$cache"

# Prints what COMMAND printed, to stderr, only if it fails.
quietly() { # COMMAND...
    "$@" >"$cache/install.log" 2>&1 || {
        cat "$cache/install.log" >&2
        return 1
    }
}

# Runs COMMAND in an empty folder of the cache, unless that holds what DESCRIPTION says already. errexit is off in COMMAND.
once() { # FOLDER DESCRIPTION COMMAND...
    local folder=$cache/$1 description=$2
    shift 2
    [ "$(cat "$folder/.installed" 2>/dev/null)" != "$description" ] || return 0
    rm -rf "$folder"
    mkdir -p "$folder"
    (cd "$folder" && quietly "$@") || {
        cat >&2 <<REMEDY

$folder could not be installed; the reason is above.
It is downloaded once, from PyPI or npm's registry; HTTPS_PROXY, PIP_INDEX_URL and npm_config_registry name a proxy and mirrors.
What is complete stays in $cache: run the same command again to continue.
REMEDY
        return 1
    }
    echo "$description" >"$folder/.installed"
}

# A virtual environment with packages from PyPI in it; prints its folder.
environment() { # NAME PACKAGE...
    once "$1" "${*:2}" make_environment python3 "${@:2}" && echo "$cache/$1"
}

# In the folder where it is called. PACKAGES are arguments of pip install.
make_environment() { # PYTHON PACKAGES...
    "$1" -m venv . && bin/pip install --quiet --disable-pip-version-check "${@:2}"
}
