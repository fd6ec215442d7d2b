"""The same training step in PyTorch; prints tokens per second and peak memory as JSON. Run by `trainer bench`."""

import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

o = json.loads(sys.argv[1])
torch.set_num_threads(o["threads"])
torch.manual_seed(1)
device = torch.device(o["device"])
torch.backends.cudnn.allow_tf32 = o["precision"] == "bf16"
V, E, H, T, B = o["vocabulary"], o["embedding"], o["hidden"], o["steps"], o["lanes"]
residual, layer = o["architecture"] == "residual_lstm", nn.RNN if o["architecture"] == "rnn" else nn.LSTM
model = nn.ModuleDict({"embedding": nn.Embedding(V, E), "output": nn.Linear(H, V)})
model.update({"first": layer(E, H), "second": layer(H, H)} if residual else {"first": layer(E, H, 2)})
model.to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
ids = torch.randint(V, (T, B), device=device)
# A sampled softmax is a smaller output layer, here over the first rows: only the cost is compared, not the result.
targets = torch.randint(o["classes"], (T * B,), device=device)


def step():
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(device.type, torch.bfloat16, enabled=o["precision"] == "bf16"):
        h, _ = model["first"](model["embedding"](ids))
        if residual:
            h = h + model["second"](h)[0]
        weight, bias = (p[: o["classes"]] for p in model["output"].parameters())
        logits = F.linear(h.reshape(T * B, H), weight, bias)
        loss = F.cross_entropy(logits.float(), targets)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def wait():
    if device.type == "cuda":
        torch.cuda.synchronize()


for _ in range(2):
    step()
wait()
began, steps = time.perf_counter(), 0
while time.perf_counter() - began < o["seconds"]:
    step()
    steps += 1
    wait()
rate = steps * T * B / (time.perf_counter() - began)
if device.type == "cuda":
    peak = torch.cuda.max_memory_allocated() / 2**20
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"tokens_per_second": rate, "peak_memory_mib": peak}))
