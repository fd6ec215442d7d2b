"""The transformer in plain PyTorch, with the names and shapes of a checkpoint: the reference implementation.

    python tests/python/pytorch_transformer.py    (needs torch and safetensors)

writes src/model/fixtures/transformer.safetensors: a `state_dict` as PyTorch saves it, input ids [T,B] with more steps than any
window, targets with padding (0), and what PyTorch made of them: logits [T,B,V], the mean loss without padding, and the
gradient of each parameter. make_fixtures.py does the same for the recurrent networks.
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


def normalized(x):
    return F.rms_norm(x, x.shape[-1:], eps=1e-6)


def rotated(x, pairs):
    """Rotates the first pairs of each head of x [B,N,T,D] by the angles of the positions."""
    speeds = 10_000.0 ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
    angles = torch.arange(x.shape[2], dtype=torch.float64)[:, None] * speeds
    cos, sin = angles.cos().float(), angles.sin().float()
    a, b, rest = x.split([pairs, pairs, x.shape[3] - 2 * pairs], dim=3)
    return torch.cat([a * cos - b * sin, a * sin + b * cos, rest], dim=3)


class Attention(nn.Module):
    def __init__(self, size, heads, key_value_heads, head_size, pairs, window):
        super().__init__()
        self.heads, self.key_value_heads, self.head_size = heads, key_value_heads, head_size
        self.pairs, self.window = pairs, window
        self.projection = nn.Linear(size, (heads + 2 * key_value_heads) * head_size, bias=False)
        self.gain = nn.Parameter(torch.full([heads], 2.0))
        self.output = nn.Linear(heads * head_size, size, bias=False)

    def forward(self, x):
        steps, lanes, _ = x.shape
        each = self.projection(x).reshape(steps, lanes, -1, self.head_size).permute(1, 2, 0, 3)
        q, k, v = each.split([self.heads, self.key_value_heads, self.key_value_heads], dim=1)
        q, k = (rotated(normalized(part), self.pairs) for part in (q, k))
        age = torch.arange(steps)[:, None] - torch.arange(steps)
        seen = (age >= 0) & (age < self.window)
        q = q * self.gain[:, None, None]
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen, enable_gqa=True)
        return self.output(mixed.permute(2, 0, 1, 3).reshape(steps, lanes, -1))


class FeedForward(nn.Module):
    def __init__(self, size, inner_size):
        super().__init__()
        self.up = nn.Linear(size, inner_size, bias=False)
        self.down = nn.Linear(inner_size, size, bias=False)

    def forward(self, x):
        return self.down(F.relu(self.up(x)).square())


class Block(nn.Module):
    def __init__(self, size, inner_size, *attention):
        super().__init__()
        self.attention = Attention(size, *attention)
        self.feed_forward = FeedForward(size, inner_size)

    def forward(self, x):
        x = x + self.attention(normalized(x))
        return x + self.feed_forward(normalized(x))


class Transformer(nn.Module):
    """Token ids [T,B] from the start of a file -> logits [T,B,V]."""

    def __init__(self, vocabulary_size, size, layers, heads, key_value_heads, head_size, rotated_pairs, inner_size, windows):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, size)
        self.layers = nn.ModuleList(
            Block(size, inner_size, heads, key_value_heads, head_size, rotated_pairs, windows[i % len(windows)])
            for i in range(layers)
        )
        self.output = nn.Module()
        self.output.bias = nn.Parameter(torch.zeros(vocabulary_size))

    def forward(self, ids):
        x = normalized(self.embedding(ids))
        for layer in self.layers:
            x = layer(x)
        return F.linear(normalized(x), self.embedding.weight, self.output.bias)


def write_fixture():
    from safetensors.torch import save_file

    V, T, B = 23, 104, 2
    torch.manual_seed(1)
    model = Transformer(V, 10, 3, heads=4, key_value_heads=2, head_size=6, rotated_pairs=2, inner_size=14, windows=[5, 70, 2])
    nn.init.normal_(model.output.bias)
    ids, targets = torch.randint(V, (T, B)), torch.randint(V, (T, B))
    targets[90:, 1] = 0
    logits = model(ids)
    loss = F.cross_entropy(logits.reshape(-1, V), targets.reshape(-1), ignore_index=0)
    loss.backward()

    tensors = {name: p.detach().clone() for name, p in model.state_dict().items()}
    tensors |= {f"gradient.{name}": p.grad.clone() for name, p in model.named_parameters()}
    tensors |= {"ids": ids, "targets": targets, "logits": logits.detach().clone(), "loss": loss.detach().reshape(1)}
    path = Path(__file__).parents[2] / "src/model/fixtures/transformer.safetensors"
    save_file(tensors, path)
    print(path, f"{path.stat().st_size} bytes, loss {loss.item():.6f}, PyTorch {torch.__version__}")


if __name__ == "__main__":
    write_fixture()
