#!/usr/bin/env bash
# Runs every test: the workspace's own, then the checks against external tools, which are installed into a cache folder.
#
#   tests/all.sh            everything; first checks for tools that cannot be installed into the cache folder
#   tests/all.sh --quick    only cargo test; needs only Rust and a C compiler
#
# MINICOPILOT_CACHE   where to install (default: ~/.cache/minicopilot-tests)
# MINICOPILOT_DATA    the corpus (train.parquet, test-raw.tar.zst, ...): also runs the checks that read it
# MINICOPILOT_PYTHON  a CPython 3.9 to 3.11, for the comparison with its tokenize, if none is on the PATH
# CHROMIUM, NVIM_0_12 programs to use instead of the Chromium on the PATH and the Neovim downloaded from Debian
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

quick=
case ${1:-} in
'') ;;
--quick) quick=1 ;;
-h | --help)
    sed -n '2,/^set/{s/^# \{0,1\}//p}' tests/all.sh
    exit
    ;;
*)
    echo "tests/all.sh: unknown argument $1; tests/all.sh --help lists them" >&2
    exit 2
    ;;
esac
if [ $# -gt 1 ]; then
    echo "tests/all.sh: expected at most one argument, not: $*" >&2
    exit 2
fi

. tests/prerequisites.sh
if [ -n "$quick" ]; then
    prerequisites rust
elif ! prerequisites rust python neovim vscode release; then
    echo "tests/all.sh --quick runs the Rust tests, which need nothing but Rust and a C compiler." >&2
    exit 1
fi

summary=()

# Runs one section. On failure, prints the remedy and exits.
section() { # NAME REMEDY COMMAND...
    local name=$1 remedy=$2 start=$SECONDS
    shift 2
    printf '\n=== %s\n' "$name"
    if ! "$@"; then
        printf '\n%s: FAILED after %s s\n%s\n' "$name" $((SECONDS - start)) "$remedy" >&2
        exit 1
    fi
    summary+=("$(printf '%6s s  %s' $((SECONDS - start)) "$name")")
}

finish() {
    printf '\n=== all passed\n'
    printf '%s\n' "${summary[@]}"
}

section "build" \
    "If crates or the toolchain could not be downloaded: crates.io and static.rust-lang.org must be reachable once (set HTTPS_PROXY for a proxy; ~/.cargo/config.toml can name a mirror)" \
    cargo build --workspace --locked
section "workspace tests" "Read the failure above; to run one test: cargo test -p PACKAGE NAME" \
    cargo test --workspace --locked
if [ -n "$quick" ]; then
    finish
    exit
fi

. tests/cache.sh
export MINICOPILOT_CACHE=$cache
built=${CARGO_TARGET_DIR:-target}/debug

# The virtual environment of the checks; rebuilt when the list of packages changes.
install_packages() {
    local name
    name=python-$(cat tests/python/requirements.txt <("$python" --version) | sha256sum | cut -c 1-12)
    venv=$cache/$name
    once "$name" "$name" make_environment "$python" -r "$PWD/tests/python/requirements.txt"
}

# Additional packages for one check. Installed ones need no network.
add_packages() { # PACKAGE...
    quietly "$venv/bin/pip" install --quiet --disable-pip-version-check "$@" || {
        echo "PyPI must be reachable once; set HTTPS_PROXY for a proxy, PIP_INDEX_URL for a mirror" >&2
        return 1
    }
}

compare_corpus() {
    add_packages numpy==2.0.2 pyarrow==21.0.0 &&
        "$venv/bin/python" tests/python/compare_corpus.py "$built/trainer"
}

# Uses NVRTC, which a GPU's first training step uses too.
compile_kernels() {
    add_packages nvidia-cuda-nvrtc==13.0.88 &&
        "$venv/bin/python" tests/python/compile_kernels.py src/model/gpu/kernels.cu
}

# Builds the release and installs its files.
make_release() {
    tests/package.sh && tests/package/check.sh
}

echo "$python: $("$python" --version)"
section "Python packages" "See above" \
    install_packages
section "lexer against CPython" "The files above differ: compare with minicopilot tokens --strict FILE" \
    "$venv/bin/python" tests/python/compare_lexer.py "$built/minicopilot" tokens --json --strict
section "vocabulary against tokenizers" "The Python package reads tokenizer.json differently: see src/tokenizer/vocabulary.rs" \
    "$venv/bin/python" tests/python/check_tokenizer.py "$built/trainer" "$built/minicopilot"
section "CUDA kernels" "The message is above; no GPU is needed" \
    compile_kernels
if [ -n "${MINICOPILOT_DATA:-}" ]; then
    section "corpus against MINICOPILOT_DATA" "The rows of MINICOPILOT_DATA differ from those that trainer corpus builds" \
        compare_corpus
fi
section "plugins in Neovim and VS Code" "Screens are in $cache/neovim-screens and vscode-screens" \
    tests/editors/run.sh "$built/minicopilot"

section "release" "Its files are in $cache/release" \
    make_release

[ -n "${MINICOPILOT_DATA:-}" ] || printf '\nSkipped the checks that read the corpus: set MINICOPILOT_DATA to its folder to run them.\n'

finish
