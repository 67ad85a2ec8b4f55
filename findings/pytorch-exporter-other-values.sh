#!/usr/bin/env bash
# PyTorch's exporters forget a pool's divisor; and its antialiased resizing to aligned corners aligns none, which the file does.
#
# Versions   torch 2.15.0 (some 5 GB when installed), onnxscript 0.7.2, onnx 1.23.2, onnxruntime 1.32.0
# Guess      What cannot be said in ONNX is refused by the exporter, or said by more nodes: AveragePool has no divisor, so
#            a Mul would follow it. interpolate(align_corners=True) keeps the first and last pixel where they are, antialiased or not;
#            scale_factor=0.6 is exported as the scale 0.6.
# What is so AvgPool2d(divisor_override=3) becomes AveragePool alone, by both exporters: all values are off by a factor, and nothing
#            is said. interpolate(antialias=True, align_corners=True) takes the step of aligned corners but the centres of half pixels, so that
#            a ramp from 0 to 4 ends at 3.75; the file says align_corners with antialias, and onnxruntime, as the standard's
#            reference does, ends at 4. With antialias a scale_factor becomes the size it leads to, so that 0.6 of 11 pixels is
#            6 of 11, another step than PyTorch's; without antialias it stays a scale, and agrees.
# Who is hit Whose net pools by sums, or resizes pictures inside: the file opens, and answers other scores. One
#            image put through both shows it.
# Seen       AvgPool2d(2, divisor_override=3), dynamo=True:   1.3333 in PyTorch, 1.0000 in the file
#            AvgPool2d(2, divisor_override=3), dynamo=False:  1.3333 in PyTorch, 1.0000 in the file
#            ramp, 5 to 9 pixels, corners aligned:            4.00 in PyTorch, 4.00 in the file
#            the same, antialiased:                           3.75 in PyTorch, 4.00 in the file
#            11 pixels by 0.6:                                off by 0.00
#            the same, antialiased:                           off by 0.56
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.15.0 onnxscript==0.7.2 onnx==1.23.2 onnxruntime==1.32.0
venv/bin/python -W ignore - 2>/dev/null <<'PYTHON'
import contextlib
import io

import numpy
import onnx
import onnxruntime
import torch
from onnx.reference import ReferenceEvaluator
from torch import nn
from torch.nn import functional


class Resized(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.options = options

    def forward(self, x):
        return functional.interpolate(x, mode="bilinear", **self.options)


def both(net, x, dynamo=True):
    """What PyTorch gives, and what onnxruntime and the standard's reference give of the exported file, which are the same."""
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(net.eval(), (x,), "net.onnx", dynamo=dynamo)
    session = onnxruntime.InferenceSession("net.onnx")
    (ours,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    model = onnx.load("net.onnx")
    (standard,) = ReferenceEvaluator(model).run(None, {model.graph.input[0].name: x.numpy()})
    assert numpy.abs(ours - standard).max() < 1e-5
    return net(x).detach().numpy(), ours


def show(what, text):
    print(f"{what + ':':48} {text}")


ones = torch.ones(1, 1, 4, 4)
for dynamo in (True, False):
    theirs, ours = both(nn.AvgPool2d(2, divisor_override=3), ones, dynamo)
    show(f"AvgPool2d(2, divisor_override=3), dynamo={dynamo}", f"{theirs.max():.4f} in PyTorch, {ours.max():.4f} in the file")
    assert abs(theirs.max() - 4 / 3) < 1e-5 and abs(ours.max() - 1) < 1e-5

ramp = torch.arange(5.0)[None, None, None]
for antialias, expected in ((False, 4), (True, 3.75)):
    theirs, ours = both(Resized(size=(1, 9), align_corners=True, antialias=antialias), ramp)
    show("the same, antialiased" if antialias else "ramp, 5 to 9 pixels, corners aligned", f"{theirs.max():.2f} in PyTorch, {ours.max():.2f} in the file")
    assert abs(theirs.max() - expected) < 1e-4 and abs(ours.max() - 4) < 1e-4

line = torch.cos(torch.arange(11.0))[None, None, None]
for antialias in (False, True):
    theirs, ours = both(Resized(scale_factor=(1, 0.6), antialias=antialias), line)
    off = numpy.abs(theirs - ours).max()
    show("the same, antialiased" if antialias else "11 pixels by 0.6", f"off by {off:.2f}")
    assert (off > 0.1) == antialias
PYTHON
