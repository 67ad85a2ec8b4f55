#!/usr/bin/env bash
# PyTorch's exporter makes one tensor of equal weights: a net exported before its training has not all its parameters.
#
# Versions   torch 2.15.0 (some 5 GB when installed), onnxscript 0.7.2, onnx 1.23.2, onnxslim 0.1.98
# Guess      The file has a tensor for each parameter, by the parameter's name.
# What is so Tensors of equal values become one. Norms start as 1 and 0, biases often as 0, so that of a fresh net
#            whole groups share one tensor, under the name of the first; the file passes every check, for scores are
#            the same. TorchScript's exporter does it with Identity nodes, the newer one without a trace; its
#            optimize=False keeps all, but what onnxslim makes of that, or onnxruntime saves as optimised, is
#            merged again.
# Who is hit Who exports an untrained or zero-initialised net to train the file (onnxruntime's training, converters
#            back to PyTorch, fine-tuning in the browser): layers tied to each other, another net without an error.
#            And who loads weights by name: names are missing.
# Seen       dynamo=True:                 4 of 6 parameters, the norms read 1.weight, 1.bias, 1.weight, 1.bias
#            dynamo=False:                2 of 6 parameters, the norms read 1.weight, 1.bias, 1.weight, 1.bias
#            dynamo=True, optimize=False: 6 of 6 parameters, the norms read 1.weight, 1.bias, 4.weight, 4.bias
#            the last by onnxslim:        4 of 6 parameters, the norms read 1.weight, 1.bias, 1.weight, 1.bias
#            and by onnxruntime:          4 of 6 parameters, the norms read 4.weight, 4.bias, 4.weight, 4.bias
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.15.0 onnxscript==0.7.2 onnx==1.23.2 onnxslim==0.1.98 onnxruntime==1.32.0
venv/bin/python -W ignore - 2>/dev/null <<'PYTHON'
import contextlib
import io

import onnx
import onnxruntime
import onnxslim
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(8, 8, bias=False), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 8, bias=False), nn.LayerNorm(8))
names = set(dict(net.named_parameters()))


def kept(path):
    """The net's parameters that the file has, and the weights and biases that its norms read."""
    graph = onnx.load(path).graph
    same = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    read = [name for node in graph.node if node.op_type == "LayerNormalization" for name in node.input[1:]]
    return names & {tensor.name for tensor in graph.initializer}, [same.get(name, name) for name in read]


def show(what, path):
    found, read = kept(path)
    print(f"{what + ':':28} {len(found)} of {len(names)} parameters, the norms read {', '.join(read)}")
    return len(found)


def export(path, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(net.eval(), (torch.randn(2, 8),), path, **options)


export("new.onnx", dynamo=True)
export("old.onnx", dynamo=False, opset_version=17)
export("whole.onnx", dynamo=True, optimize=False)
onnx.save(onnxslim.slim(onnx.load("whole.onnx")), "slim.onnx")
options = onnxruntime.SessionOptions()
options.optimized_model_filepath = "ort.onnx"
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
onnxruntime.InferenceSession("whole.onnx", options)
counts = [
    show("dynamo=True", "new.onnx"),
    show("dynamo=False", "old.onnx"),
    show("dynamo=True, optimize=False", "whole.onnx"),
    show("the last by onnxslim", "slim.onnx"),
    show("and by onnxruntime", "ort.onnx"),
]
assert counts[2] == 6, "optimize=False merges them too now"
assert max(counts[:2] + counts[3:]) < 6, "equal weights stay apart now"
PYTHON
