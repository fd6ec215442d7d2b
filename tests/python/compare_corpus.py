#!/usr/bin/env python3
"""Compares the corpus that `trainer corpus` builds with the one the project was trained on.

    MINICOPILOT_DATA=FOLDER compare_corpus.py TRAINER [PACKAGE...]

Builds the named packages (five small ones if none is named) without the duplicate rule, downloading what is not in the
cache folder. Every row of these packages in the folder's train.parquet and test.parquet has to be among the rows built,
token for token. Each further row built has to be nearly or exactly the same as a row of the folder, as the duplicate rule
has it; some may resemble a package that is in no manifest, and --unexplained N allows so many. Needs pyarrow and numpy.
"""

import argparse
import os
import subprocess
import sys
from collections import Counter
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

import corpus

PACKAGES = ("c7n", "manim", "black", "dnspython", "mopidy")
PARTS = ("train", "test")
GRAM, SAME_PART, OTHER_PART = 5, 0.8, 0.5
ODD = np.uint64(0x9E3779B97F4A7C15)


def rows(path, part):
    """(part, package, path, tokens as 64-bit hashes) of each row; the hashes are the same in all files."""
    if not path.exists():
        return
    file, numbers = pq.ParquetFile(path), {}
    for batch in file.iter_batches(batch_size=1000, columns=["path", "package", "code"]):
        code = batch.column("code")
        words = code.flatten().dictionary_encode()
        hashes = np.array([number(word, numbers) for word in words.dictionary.to_pylist()], np.uint64)
        tokens = hashes[words.indices.to_numpy()]
        ends = np.asarray(code.offsets) - code.offsets[0].as_py()
        names = zip(batch.column("package").to_pylist(), batch.column("path").to_pylist())
        for (package, name), start, end in zip(names, ends, ends[1:]):
            yield part, package, name, tokens[start:end]


def number(word, numbers):
    if word not in numbers:
        numbers[word] = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
    return numbers[word]


def grams(tokens):
    """The set of 5-grams, as sorted hashes."""
    hashes = np.zeros(len(tokens) - GRAM + 1, np.uint64)
    for place in range(GRAM):
        hashes = (hashes ^ tokens[place : len(hashes) + place]) * ODD
        hashes ^= hashes >> np.uint64(29)
    return np.unique(hashes)


def build(trainer, packages):
    """Runs the trainer; returns the folder."""
    out = corpus.cache().parent / "corpus"
    manifest = Path(__file__).parents[2] / "trainer/corpus/manifest.tsv"
    options = [option for package in packages for option in ("--package", package)]
    subprocess.run([trainer, "corpus", manifest, "--out", out, "--keep-duplicates", *options], check=True)
    return out


class Nearest:
    """For each of the given rows, the highest Jaccard similarity to other rows, by split."""

    def __init__(self, built):
        self.sets = [grams(tokens) for *_, tokens in built]
        every = np.concatenate([np.zeros(0, np.uint64), *self.sets])
        owners = np.repeat(np.arange(len(self.sets)), [len(grams) for grams in self.sets])
        order = np.argsort(every, kind="stable")
        self.every, self.owners = every[order], owners[order]
        self.sizes = np.array([len(grams) for grams in self.sets])
        self.best = {part: np.zeros(len(self.sets)) for part in PARTS}
        self.whom = {part: [None] * len(self.sets) for part in PARTS}

    def look_at(self, part, path, tokens):
        own = grams(tokens)
        starts, ends = np.searchsorted(self.every, own), np.searchsorted(self.every, own, side="right")
        hits = np.concatenate([np.arange(s, e) for s, e in zip(starts, ends) if s < e] or [np.zeros(0, int)])
        both = np.bincount(self.owners[hits], minlength=len(self.sets))
        similarity = both / (self.sizes + len(own) - both)
        for row in np.flatnonzero(similarity > self.best[part]):
            self.best[part][row], self.whom[part][row] = similarity[row], path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trainer")
    parser.add_argument("packages", nargs="*", default=PACKAGES)
    parser.add_argument("--unexplained", type=int, default=0)
    arguments = parser.parse_args()
    data = os.environ.get("MINICOPILOT_DATA")
    if not data:
        sys.exit("compare_corpus.py: set MINICOPILOT_DATA to the folder of train.parquet and test.parquet")
    out = build(arguments.trainer, arguments.packages)
    built = {(part, path): (package, tokens) for p in PARTS for part, package, path, tokens in rows(out / f"{p}.parquet", p)}
    found, problems = Counter(), []
    further = dict(built)
    for name in PARTS:
        for part, package, path, tokens in rows(Path(data) / f"{name}.parquet", name):
            if package not in arguments.packages:
                continue
            found[package, "given"] += 1
            ours = further.pop((part, path), (None, None))[1]
            if ours is not None and np.array_equal(ours, tokens):
                found[package, "found"] += 1
            else:
                problems.append(f"{path}: {'not built' if ours is None else 'different tokens'}")
    names = [(part, package, path, tokens) for (part, path), (package, tokens) in further.items()]
    nearest = Nearest(names)
    for name in PARTS:
        for part, _, path, tokens in rows(Path(data) / f"{name}.parquet", name):
            nearest.look_at(part, path, tokens)
    unexplained = 0
    for row, (part, package, path, tokens) in enumerate(names):
        same, other = nearest.best[part][row], max(nearest.best[p][row] for p in PARTS if p != part)
        kind = "same" if same == 1 else "near" if same >= SAME_PART else "other part" if other >= OTHER_PART else "unexplained"
        found[package, kind] += 1
        if kind == "unexplained":
            unexplained += 1
            print(f"unexplained: {path}: {len(tokens)} tokens, {same:.3f} like {nearest.whom[part][row]}, {other:.3f} in the other part")
        elif os.environ.get("VERBOSE"):
            print(f"{kind}: {path}: {same:.3f} like {nearest.whom[part][row]}")
    for package in arguments.packages:
        counts = {key: count for (name, key), count in sorted(found.items()) if name == package}
        print(f"{package}: {counts.pop('found', 0)} of {counts.pop('given', 0)} rows found; further: {counts or 'none'}")
    print(*problems, sep="\n", end="\n" * bool(problems), file=sys.stderr)
    sys.exit(bool(problems) or unexplained > arguments.unexplained)


if __name__ == "__main__":
    main()
