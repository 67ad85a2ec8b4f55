#!/usr/bin/env bash
# A query that may look at nothing: the same PyTorch attention answers zero, the mean or NaN by the operator set it is exported in.
#
# Versions   torch 2.15.0 (some 5 GB when installed), onnxscript 0.7.2, onnx 1.23.2, onnxruntime 1.32.0
# Guess      The operator set decides how a computation is spelled, not what it gives. A row that is masked whole gives what
#            scaled_dot_product_attention gives: zero.
# What is so In operator set 23 it is an Attention node, which gives zero. In 18 and 20 a mask of truth values becomes the lowest float32, so that
#            such a row weighs all keys alike and gives the mean of all values (the guard against NaN behind it never
#            acts), and a mask of -inf gives NaN.
# Who is hit Nets that pad patches or windows of pictures of several sizes and mask them: the padded rows hold something other
#            than zero, which an average over all rows takes in; with -inf one such row makes NaN of all scores.
# Seen       PyTorch                    0.00 by truth values, 0.00 by -inf
#            operator set 18            2.00 by truth values, nan by -inf
#            operator set 20            2.00 by truth values, nan by -inf
#            operator set 23            0.00 by truth values, 0.00 by -inf
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.15.0 onnxscript==0.7.2 onnx==1.23.2 onnxruntime==1.32.0
venv/bin/python -W ignore - 2>/dev/null <<'PYTHON'
import contextlib
import io
import math

import onnxruntime
import torch
from torch import nn
from torch.nn import functional


class Attention(nn.Module):
    def forward(self, query, values, mask):
        return functional.scaled_dot_product_attention(query, query, values, attn_mask=mask)


query = torch.randn(1, 1, 3, 4)
# Their mean is 2.
values = torch.tensor([1.0, 2.0, 3.0])[None, None, :, None].expand(-1, -1, -1, 4).clone()
truth = torch.tensor([[True, True, False], [False, False, False], [True, True, True]])[None, None]
masks = [truth, torch.zeros(truth.shape).masked_fill(~truth, -math.inf)]


def show(what, numbers):
    print(f"{what:26} {numbers[0]:.2f} by truth values, {numbers[1]:.2f} by -inf")


eager = [Attention()(query, values, mask)[0, 0, 1, 0].item() for mask in masks]
show("PyTorch", eager)
assert eager == [0, 0]
for opset in (18, 20, 23):
    found = []
    for mask in masks:
        with contextlib.redirect_stdout(io.StringIO()):
            torch.onnx.export(Attention().eval(), (query, values, mask), "net.onnx", dynamo=True, opset_version=opset)
        session = onnxruntime.InferenceSession("net.onnx")
        feeds = {given.name: tensor.numpy() for given, tensor in zip(session.get_inputs(), (query, values, mask))}
        found.append(float(session.run(None, feeds)[0][0, 0, 1, 0]))
    show(f"operator set {opset}", found)
    if opset == 23:
        assert found == [0, 0]
    else:
        assert abs(found[0] - 2) < 1e-5 and math.isnan(found[1])
PYTHON
