"""Measures a checkpoint on prepared data in plain PyTorch, independently of the trainer: loss, perplexity, top-1, top-5.

    python tests/python/evaluate_checkpoint.py CHECKPOINT DATA/test.shard [MAX_TOKENS]

Needs torch, numpy and safetensors. Prints the same four figures, in the same two contexts, as
`trainer evaluate model CHECKPOINT --data DATA --split test --max-tokens MAX_TOKENS --json`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from pytorch_model import Network


def files(path):
    """The ids of each file of a shard; the format is described in trainer/src/data/shard.rs."""
    raw = np.fromfile(path, dtype=np.uint8)
    count, tokens = map(int, raw[16:32].view("<u8"))
    ids = raw[64 : 64 + 2 * tokens].view("<u2").astype(np.int64)
    offsets = raw[-8 * (count + 1) :].view("<u8")
    return [torch.from_numpy(ids[a:b]) for a, b in zip(offsets, offsets[1:])]


checkpoint, shard = Path(sys.argv[1]), sys.argv[2]
limit = int(sys.argv[3]) if len(sys.argv) > 3 else sys.maxsize
model = Network(**json.loads((checkpoint / "config.json").read_text())["model"]).eval()
weights = load_file(checkpoint / "model.safetensors")
model.load_state_dict({name: w.float() for name, w in weights.items()}, strict=True)

sums = {"whole": np.zeros(4), "1000": np.zeros(4)}  # targets, nats, top-1, top-5
with torch.inference_mode():
    for file in files(shard):
        if sums["whole"][0] >= limit:
            break
        logits = model(file[:-1, None])[0][:, 0]  # [T,V]
        nats = F.cross_entropy(logits, file[1:], reduction="none")
        rank = (logits > logits.gather(1, file[1:, None])).sum(1)
        counts = torch.stack([torch.ones_like(nats), nats, (rank < 1).float(), (rank < 5).float()]).double()
        for context, length in (("whole", None), ("1000", 999)):
            sums[context] += counts[:, :length].sum(1).numpy()
for context, (targets, nats, top1, top5) in sums.items():
    figures = {"targets": int(targets), "loss": nats / targets, "perplexity": float(np.exp(nats / targets)), "top1": top1 / targets, "top5": top5 / targets}
    print(context, json.dumps(figures))
