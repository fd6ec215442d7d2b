#!/usr/bin/env python3
"""Checks that the Python package `tokenizers` reads tokenizer.json and gives the ids that `trainer prepare` has written.

    check_tokenizer.py TRAINER MINICOPILOT [FOLDER]

Prepares the Python files of FOLDER (the running Python's standard library, unless named) with a vocabulary of whole tokens
and with one of pieces, encodes the tokens that `minicopilot tokens` gives for each file, and compares with the ids in
the prepared shards.
"""
import array
import json
import os
import struct
import subprocess
import sys
import sysconfig
import tempfile

from tokenizers import Tokenizer


def read_shard(path):
    """The ids of each file; the format is described in trainer/src/data/shard.rs."""
    with open(path, "rb") as file:
        data = file.read()
    magic, version, _, files, tokens = struct.unpack_from("<8sIIQQ", data)
    assert (magic, version) == (b"mcshard\0", 1), path
    ids = array.array("H", data[64 : 64 + 2 * tokens])
    offsets = array.array("Q", data[-8 * (files + 1) :])
    assert sys.byteorder == "little"
    return [ids[start:end].tolist() for start, end in zip(offsets, offsets[1:])]


def tokens_of(minicopilot, paths):
    for start in range(0, len(paths), 200):
        command = [minicopilot, "tokens", "--json", *paths[start : start + 200]]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        yield from map(json.loads, output.decode().splitlines())


def check(trainer, minicopilot, folder, vocabulary):
    """Whether all ids agree with the vocabulary that `trainer prepare` builds with the arguments `vocabulary`."""
    paths, encoded = [], []
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "data")
        subprocess.run([trainer, "prepare", folder, "--out", out, *vocabulary], check=True)
        tokenizer = Tokenizer.from_file(os.path.join(out, "tokenizer.json"))
        for split in ("train", "validation"):
            with open(os.path.join(out, f"{split}.files.jsonl"), encoding="utf-8") as lines:
                paths += [os.path.join(folder, json.loads(line)) for line in lines]
            encoded += read_shard(os.path.join(out, f"{split}.shard"))
    assert tokenizer.get_vocab_size() <= 10002 and tokenizer.token_to_id("<PAD>") == 0

    ids = different = 0
    for path, tokens, expected in zip(paths, tokens_of(minicopilot, paths), encoded, strict=True):
        got = tokenizer.encode(" ".join(tokens)).ids
        ids += len(got)
        if got != expected:
            different += 1
            print(f"{path}: {len(got)} ids, but prepare wrote {len(expected)}", file=sys.stderr)
    print(f"{len(paths)} files, {ids} ids, vocabulary of {tokenizer.get_vocab_size()}: {different} files differ")
    return paths and not different


def main(trainer, minicopilot, folder=sysconfig.get_path("stdlib")):
    whole, pieces = [], ["--pieces", "bpe", "--vocabulary-size", "4096"]
    agree = [check(trainer, minicopilot, folder, vocabulary) for vocabulary in (whole, pieces)]
    return 0 if all(agree) else 1


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
