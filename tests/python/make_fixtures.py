"""Writes src/model/fixtures/*.safetensors: PyTorch's numbers for each network, which the Rust tests must reproduce.

    python tests/python/make_fixtures.py          (needs torch and safetensors; made with PyTorch 2.15.0)

A file holds a `state_dict` as PyTorch saves it, input ids [T,B] with more than 100 steps, a first state that is not
zero, targets with padding (0), and what PyTorch made of them: logits [T,B,V], the mean loss without padding, and
the gradient of each parameter.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from pytorch_model import Network

V, E, H, T, B = 23, 6, 10, 104, 2


def random_state(architecture):
    """The state in the project's order (h1, c1, h2, c2; h1, h2 for the RNN), and in PyTorch's form."""
    h1, c1, h2, c2 = (torch.rand(B, H) * 2 - 1 for _ in range(4))
    if architecture == "residual_lstm":
        return [h1, c1, h2, c2], ((h1[None], c1[None]), (h2[None], c2[None]))
    if architecture == "lstm":
        return [h1, c1, h2, c2], (torch.stack([h1, h2]), torch.stack([c1, c2]))
    return [h1, h2], torch.stack([h1, h2])


for architecture in ("rnn", "lstm", "residual_lstm"):
    torch.manual_seed(1)
    model = Network(architecture, V, E, H)
    ids, targets = torch.randint(V, (T, B)), torch.randint(V, (T, B))
    targets[90:, 1] = 0
    flat, state = random_state(architecture)
    logits, _ = model(ids, state)
    loss = F.cross_entropy(logits.reshape(-1, V), targets.reshape(-1), ignore_index=0)
    loss.backward()

    tensors = {name: p.detach().clone() for name, p in model.state_dict().items()}
    tensors |= {f"gradient.{name}": p.grad.clone() for name, p in model.named_parameters()}
    tensors |= {f"state.{k}": t.clone() for k, t in enumerate(flat)}
    tensors |= {"ids": ids, "targets": targets, "logits": logits.detach().clone(), "loss": loss.detach().reshape(1)}
    path = Path(__file__).parents[2] / f"src/model/fixtures/{architecture}.safetensors"
    save_file(tensors, path)
    print(path, f"{path.stat().st_size} bytes, loss {loss.item():.6f}")
