#!/usr/bin/env bash
# One transformer layer has 1.1 million multiply-adds or none by counter, and torchinfo counts a Linear once for all tokens.
#
# Versions   torch 2.15.0 (some 5 GB when installed), torchinfo 1.8.0, thop 0.1.1.post2209072238, ptflops 0.7.5,
#            fvcore 0.1.5.post20221221
# Guess      Counters of multiply-adds agree but for what they count of norms and activations, some hundredths, and all count parameters.
# What is so torchinfo counts a Linear's weights once an image: 0.02 of it with 50 tokens (0.17 G for ViT-B/16, which has 17.6 G). Without
#            gradients and in eval mode nn.MultiheadAttention runs as one operator that the counters do not know: PyTorch's own
#            FlopCounterMode and fvcore answer 0 under no_grad and a number without; thop and torchinfo always 0; only ptflops has a
#            rule for it. thop's parameters are those of layers that it has a rule for: neither attention nor what hangs on a module
#            itself, such as an embedding of positions (58 M of ViT-B/16's 86.6 M). The two products in scaled_dot_product_attention are
#            counted by PyTorch's alone, a third of all here; written with @ fvcore counts them too. thop and torchinfo count a
#            ConvTranspose2d that doubles the size four times. ptflops leaves out the batch, thop does not.
# Cause      torchinfo's LayerInfo.calculate_macs multiplies by output_size[0] where it is no Conv; the fast path of MultiheadAttention.forward;
#            thop's profile, which adds count_parameters only beside a rule.
# Who is hit Tables of accuracy by cost, budgets of a search, "smaller than ResNet-50" of a transformer.
# Seen       what is counted             right    torch  no_grad  fvcore  no_grad  torchinfo  thop   ptflops
#            Linear of 50 tokens         204800   1      1        1       1        0.02       1      1
#            MultiheadAttention, eval    1139200  1      0        0.719   0        0          0      1.023
#            q, k, v by one function     934400   1      1        0.658   0.658    0.013      0.658  0.658
#            the same with @             934400   1      1        1       1        0.013      0.658  0.658
#            ConvTranspose2d, stride 2   25600    1      1        1       1        4          4      1
#            parameters of that attention and an embedding: thop 0, the others 19840
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.15.0 torchinfo==1.8.0 thop==0.1.1.post2209072238 ptflops==0.7.5 \
  fvcore==0.1.5.post20221221 numpy==2.4.6
venv/bin/python -W ignore - <<'PYTHON'
import logging

import fvcore.nn
import ptflops
import thop
import torch
import torchinfo
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

logging.disable(logging.CRITICAL)
TOKENS, WIDTH, HEADS = 50, 64, 4


class Attention(nn.Module):
    """PyTorch's attention after an embedding of the positions."""

    def __init__(self):
        super().__init__()
        self.inner = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.positions = nn.Parameter(torch.zeros(1, TOKENS, WIDTH))

    def forward(self, x):
        x = x + self.positions
        return self.inner(x, x, x, need_weights=False)[0]


class Written(nn.Module):
    """Attention without its last projection, by PyTorch's function or by two products."""

    def __init__(self, fused):
        super().__init__()
        self.fused, self.qkv = fused, nn.Linear(WIDTH, 3 * WIDTH, bias=False)

    def forward(self, x):
        q, k, v = self.qkv(x).view(1, TOKENS, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        if self.fused:
            return nn.functional.scaled_dot_product_attention(q, k, v)
        return (q @ k.transpose(-1, -2) / 4).softmax(-1) @ v


def by_torch(net, x):
    with FlopCounterMode(display=False) as counter:
        net(x)
    return counter.get_total_flops() / 2


def by_ptflops(net, x):
    options = dict(as_strings=False, print_per_layer_stat=False, backend="pytorch")
    return ptflops.get_model_complexity_info(net, tuple(x.shape[1:]), **options)


def by_torchinfo(net, x):
    seen = torchinfo.summary(net, input_data=x, verbose=0)
    return seen.total_mult_adds, seen.total_params


def by_fvcore(net, x):
    return fvcore.nn.FlopCountAnalysis(net, x).total(), fvcore.nn.parameter_count(net)[""]


COUNTERS = {
    "torch": by_torch,
    "torch no_grad": torch.no_grad()(by_torch),
    "fvcore": by_fvcore,
    "fvcore no_grad": torch.no_grad()(by_fvcore),
    "torchinfo": by_torchinfo,
    "thop": lambda net, x: thop.profile(net, (x,), verbose=False),
    "ptflops": by_ptflops,
}
print(f"{'what is counted':32}{'right':9}{'  '.join(f'{name:9}' for name in COUNTERS)}")


def count(title, net, x, right):
    """By counter: the part that it finds of the multiply-adds of the products, and the parameters."""
    net.eval()
    found = {name: counter(net, x) for name, counter in COUNTERS.items()}
    pairs = {name: value if isinstance(value, (tuple, list)) else (value, None) for name, value in found.items()}
    parts = {name: round(float(pair[0]) / right, 3) for name, pair in pairs.items()}
    print(f"{title:32}{right:<9}{'  '.join(f'{part:<{max(9, len(name))}g}' for name, part in parts.items())}")
    return parts, {name: int(pair[1]) for name, pair in pairs.items() if pair[1] is not None}


tokens = torch.ones(1, TOKENS, WIDTH)
linear, products = TOKENS * WIDTH * WIDTH, 2 * TOKENS * TOKENS * WIDTH
parts, _ = count("Linear of 50 tokens", nn.Sequential(nn.Linear(WIDTH, WIDTH, bias=False)), tokens, linear)
assert parts.pop("torchinfo") == 0.02 and set(parts.values()) == {1.0}
parts, parameters = count("MultiheadAttention, eval", Attention(), tokens, 4 * linear + products)
print("parameters of it and of an embedding", parameters)
assert parts["torch"] == 1 and abs(parts["ptflops"] - 1) < 0.05
assert all(parts[name] == 0 for name in ("torch no_grad", "fvcore no_grad", "torchinfo", "thop"))
assert 0.7 < parts["fvcore"] < 0.75
assert parameters.pop("thop") == 0 and set(parameters.values()) == {4 * WIDTH * (WIDTH + 1) + TOKENS * WIDTH}
parts, _ = count("q, k, v by one function", Written(True), tokens, 3 * linear + products)
assert parts["torch"] == 1 and all(parts[name] < 0.7 for name in COUNTERS if name not in ("torch", "torch no_grad"))
parts, _ = count("the same with @", Written(False), tokens, 3 * linear + products)
assert parts["fvcore"] == 1 and parts["thop"] < 0.7 and parts["ptflops"] < 0.7
doubling = nn.Sequential(nn.ConvTranspose2d(8, 8, 2, stride=2, bias=False))
parts, _ = count("ConvTranspose2d, stride 2", doubling, torch.ones(1, 8, 10, 10), 10 * 10 * 8 * 8 * 4)
assert parts["thop"] == parts["torchinfo"] == 4 and parts["torch"] == parts["fvcore"] == 1
PYTHON
