#!/usr/bin/env python3
"""Compares the project's lexer with CPython's tokenize, token for token.

    compare_lexer.py COMMAND...        COMMAND FILE... prints py150 tokens, a JSON list a file: `minicopilot tokens --json --strict`
    compare_lexer.py --bench FOLDER    the speed of CPython's tokenize on the folder's files; ours: `cargo bench --bench lexer`

The files are those of corpus.py and lexer_cases.py, and some with a mistake put in. What CPython refuses has to be `null`. A file that CPython compiles may not differ. In one that it only
tokenises, a difference is allowed where an f-string nests its quotes: there CPython reads as we do from 3.12 on.
Exit status 1 if anything else differs.
"""

import sys

if not (3, 9) <= sys.version_info < (3, 12):
    sys.exit(
        f"compare_lexer.py: needs CPython 3.9 to 3.11 (later ones split f-strings); this is {sys.version.split()[0]}.\n"
        "To get one: python3 -m pip install uv && uv venv --seed --python 3.11 DIR, and run this with DIR/bin/python"
    )

import ast
import io
import json
import os
import random
import re
import subprocess
import tempfile
import time
import tokenize
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat, takewhile
from pathlib import Path

import corpus
from lexer_cases import CASES
from py150_tokens import tokens_of

BATCH_FILES = 100
BENCH_SECONDS = 20
MUTANT_BYTES, MUTATIONS = 20_000, 4
TROUBLE = b"\\\\'\"()[]{}$?!`\x0b\x0c\t \r\n#\xff\xc3\x01"
HOLDS_F_STRING = re.compile(rb"(?:f|fr|rf)[\"']", re.IGNORECASE)
F_STRING = re.compile(r"(?:f|fr|rf)[\"']", re.IGNORECASE)


def compare(paths, command):
    """Counts over a batch of files, and one line per difference."""
    counts, lines = Counter(), []
    output = subprocess.run([*command, *map(str, paths)], check=True, capture_output=True).stdout
    answers = output.splitlines()
    if len(answers) != len(paths):
        return counts, [f"{len(answers)} answers for {len(paths)} files, starting with {paths[0]}"]
    for path, answer in zip(paths, answers):
        source = path.read_bytes()
        expected, ours = tokens_of(source), json.loads(answer)
        if expected is None:
            counts["refused"] += 1
            if ours is not None:
                lines.append(f"{path}: CPython rejects it, minicopilot does not")
            continue
        counts["files"] += 1
        counts["tokens"] += len(expected)
        counts["bytes"] += len(source)
        if ours == expected:
            continue
        if ours is None:
            lines.append(f"{path}: CPython accepts it, minicopilot does not")
            continue
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(expected, ours)))
        if any(map(F_STRING.match, expected[same - 1 : same + 1])) and not compiles(source):
            counts["nested"] += 1
            continue
        around = slice(max(same - 3, 0), same + 3)
        lines.append(f"{path}: token {same}: CPython {' '.join(expected[around])!r}, ours {' '.join(ours[around])!r}")
    return counts, lines


def compiles(source):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def compare_all(command):
    """Compares every part on all cores; returns the exit status."""
    failed = False
    with tempfile.TemporaryDirectory() as cases, tempfile.TemporaryDirectory() as mutants, ProcessPoolExecutor(os.cpu_count()) as pool:
        for number, case in enumerate(CASES):
            (Path(cases) / f"case{number:02}.py").write_bytes(case)
        parts = [("cases", Path(cases)), *corpus.folders()]
        _, standard_library = parts[1]
        parts.append(("mutants", write_mutants(Path(mutants), corpus.files(standard_library))))
        for name, folder in parts:
            files, start = corpus.files(folder), time.perf_counter()
            # A batch takes every n-th file: neighbouring files have similar sizes, so batches do too.
            batches = max(1, -(-len(files) // BATCH_FILES))
            results = list(pool.map(compare, [files[first::batches] for first in range(batches)], repeat(command)))
            counts = sum((counts for counts, _ in results), Counter())
            lines = [line for _, lines in results for line in lines]
            failed |= bool(lines)
            print(
                f"{name}: {counts['files']:,} files, {counts['tokens']:,} tokens, {len(lines)} differences"
                f" (not counted: {counts['nested']} files with nested quotes in f-strings that CPython does not compile, and"
                f" {counts['refused']} that it does not tokenise); {time.perf_counter() - start:.0f} s",
                flush=True,
            )
            print(*lines[:20], sep="\n", end="\n" * bool(lines), file=sys.stderr)
    return int(failed)


def write_mutants(folder, files):
    """Writes files with one error each, because real files rarely have one. No f-strings, which 3.12 reads differently."""
    chance = random.Random(0)
    for number, path in enumerate(files):
        source = path.read_bytes()
        if len(source) > MUTANT_BYTES or not source or HOLDS_F_STRING.search(source):
            continue
        for mutation in range(MUTATIONS):
            place = chance.randrange(len(source))
            if mutation == 0:
                mutant = source[:place]
            elif mutation == 1:
                mutant = source[:place] + source[place + 1 :]
            elif mutation == 2:
                mutant = source[:place] + bytes([chance.choice(TROUBLE)]) + source[place:]
            else:  # the indentation of a line
                line = source.rfind(b"\n", 0, place) + 1
                mutant = source[:line] + b" " * chance.randrange(3) + source[line:].lstrip(b" ")
            (folder / f"{number:05}-{mutation}.py").write_bytes(mutant)
    return folder


def bench(folder):
    """Prints the throughput of CPython's tokenize on one core."""
    size, seconds, tokens, files = 0, 0.0, 0, corpus.files(folder)
    random.Random(0).shuffle(files)  # so that the first ones are a fair sample
    for path in files:
        source = path.read_bytes()
        start = time.perf_counter()
        try:
            tokens += sum(1 for _ in tokenize.tokenize(io.BytesIO(source).readline))
        except (tokenize.TokenError, SyntaxError):
            continue
        seconds += time.perf_counter() - start
        size += len(source)
        if seconds > BENCH_SECONDS:
            break
    print(f"CPython {sys.version.split()[0]} tokenize: {size / seconds / 1e6:.2f} MB/s ({size / 1e6:.1f} MB, {tokens:,} tokens)")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__.strip())
    if sys.argv[1] == "--bench":
        bench(Path(sys.argv[2]))
    else:
        sys.exit(compare_all(sys.argv[1:]))
