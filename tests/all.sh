#!/usr/bin/env bash
# Every test: the workspace's own, then the checks against things outside Rust, which are installed into a cache folder.
#
#   tests/all.sh
#
# MINICOPILOT_CACHE   where to install (default: ~/.cache/minicopilot-tests)
# MINICOPILOT_DATA    the corpus (train.parquet, test-raw.tar.zst, ...): also runs the checks that read it
# MINICOPILOT_PYTHON  a CPython 3.9 to 3.11, for the comparison with its tokenize, if none is on the PATH
set -euo pipefail
cd "$(dirname "$0")/.."

export MINICOPILOT_CACHE=${MINICOPILOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/minicopilot-tests}
mkdir -p "$MINICOPILOT_CACHE"
built=${CARGO_TARGET_DIR:-target}/debug
summary=()

# Runs one section; when it fails, says what to do about it and stops.
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

# The first CPython that still gives an f-string as one token.
find_python() {
    local candidate
    for candidate in ${MINICOPILOT_PYTHON:-python3 python3.11 python3.10 python3.9}; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))' 2>/dev/null; then
            python=$(command -v "$candidate")
            return
        fi
    done
    return 1
}

# A virtual environment with what the checks need, made anew when the list of packages changes.
install_packages() {
    venv=$MINICOPILOT_CACHE/python-$(cat tests/python/requirements.txt <("$python" --version) | sha256sum | cut -c 1-12)
    [ -e "$venv/installed" ] && return
    rm -rf "$venv"
    "$python" -m venv "$venv" &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/python/requirements.txt &&
        touch "$venv/installed"
}

# With packages that nothing else needs.
compare_corpus() {
    "$venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.0.2 pyarrow==21.0.0 &&
        "$venv/bin/python" tests/python/compare_corpus.py "$built/trainer"
}

# With the compiler of a GPU's first step.
compile_kernels() {
    "$venv/bin/pip" install --quiet --disable-pip-version-check nvidia-cuda-nvrtc==13.0.88 &&
        "$venv/bin/python" tests/python/compile_kernels.py src/model/gpu/kernels.cu
}

# The release, made and installed from its files.
make_release() {
    tests/package.sh && tests/package/check.sh
}

section "build" "rust-toolchain.toml names the compiler; a C compiler is needed too (apt-get install gcc)" \
    cargo build --workspace --locked
section "workspace tests" "Read the failure above; one test alone: cargo test -p PACKAGE NAME" \
    cargo test --workspace --locked

section "a CPython 3.9 to 3.11" \
    "Install one (uv python install 3.11; pyenv install 3.11; apt-get install python3.11) and name it: MINICOPILOT_PYTHON=path tests/all.sh" \
    find_python
echo "$python: $("$python" --version)"
section "Python packages" \
    "Needs the venv module (apt-get install python3-venv) and PyPI, once; they are kept in $MINICOPILOT_CACHE" \
    install_packages
section "lexer against CPython" "The files above differ: compare with minicopilot tokens --strict FILE" \
    "$venv/bin/python" tests/python/compare_lexer.py "$built/minicopilot" tokens --json --strict
section "vocabulary against tokenizers" "tokenizer.json is not what the Python package reads: see src/tokenizer/vocabulary.rs" \
    "$venv/bin/python" tests/python/check_tokenizer.py "$built/trainer" "$built/minicopilot"
section "CUDA kernels" "NVRTC's message is above; no GPU is needed" \
    compile_kernels
if [ -n "${MINICOPILOT_DATA:-}" ]; then
    section "corpus against the given one" "A row of MINICOPILOT_DATA is not among those that trainer corpus makes, or one too many is" \
        compare_corpus
fi
section "plugins in Neovim and VS Code" "Screens are in $MINICOPILOT_CACHE/neovim-screens and vscode-screens; luacheck is Debian's lua-check" \
    tests/editors/run.sh "$built/minicopilot"

section "a release" "Its files are in $MINICOPILOT_CACHE/release" \
    make_release

[ -n "${MINICOPILOT_DATA:-}" ] || printf '\nThe checks that read the corpus were not asked for: MINICOPILOT_DATA names it.\n'

printf '\n=== all passed\n'
printf '%s\n' "${summary[@]}"
