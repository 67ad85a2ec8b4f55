#!/usr/bin/env bash
# ONNX's version converter moves pictures by a quarter of a pixel, onnxscript's takes softmax over other values.
#
# Versions   onnx 1.23.2 (onnx.version_converter), onnxscript 0.7.2 (onnxscript.version_converter), onnxruntime 1.32.0
# Guess      A model brought to a newer opset computes the same, or the converter says that it cannot: where an
#            operator's meaning changed between the versions the converter has an adapter for it.
# What is so onnx, 10 to 11: Resize (and Upsample, 9 to 11) gets the defaults of version 11, which count from pixel
#            centres (half_pixel) where version 10 counted from corners; a picture enlarged twice is other
#            everywhere. 12 to 13: Hardmax, of which version 11 made one row of all axes from `axis` on, is per
#            axis afterwards: a one for every position instead of one for the image (Softmax has its adapter).
#            onnxscript to 18: Softmax and LogSoftmax of opset 11 keep their nodes and get another number: over one
#            axis what was over all behind it. Every result passes the checker, loads and has the right shape.
# Who is hit Who lifts an old file (detectors and segmenters of 2019 and 2020, zoo files) to quantise it or to give it
#            to a tool that asks for opset 13 or more.
# Seen       onnx: Resize 10, linear, twice:     off by 0.25 columns, converted file valid
#            onnx: Upsample 9, linear, twice:    off by 0.25 columns, converted file valid
#            onnx: Hardmax 11 of [1, 2, 2, 2]:   sum 1 before, 4 after
#            onnxscript: Softmax 11 of the same: sum 1 before, 4 after
#            onnx: Softmax 11 of the same:       sum 1 before, 1 after
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import numpy as np
import onnx
import onnx_ir
import onnxruntime
import onnxscript.version_converter
import onnx.version_converter
from onnx import TensorProto, helper, numpy_helper


def model(operator, opset, x, inputs=(), **attributes):
    names = [f"c{i}" for i in range(len(inputs))]
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", *names], ["y"], **attributes)],
        "old",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * x.ndim)],
        [numpy_helper.from_array(value, name) for name, value in zip(names, inputs)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def run(proto, x):
    onnx.checker.check_model(proto)
    return onnxruntime.InferenceSession(proto.SerializeToString()).run(None, {"x": x})[0]


def by_onnx(proto, target):
    return onnx.version_converter.convert_version(proto, target)


def by_onnxscript(proto, target):
    ir = onnx_ir.serde.deserialize_model(proto)
    onnxscript.version_converter.convert_version(ir, target)
    return onnx_ir.serde.serialize_model(ir)


ramp = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
twice = np.array([1, 1, 2, 2], np.float32)
moved = []
for operator, opset in (("Resize", 10), ("Upsample", 9)):
    old = model(operator, opset, ramp, [twice], mode="linear")
    before, after = run(old, ramp), run(by_onnx(old, 13), ramp)
    # Columns of a ramp: how far along the picture a value was read.
    moved.append(float(np.abs(after - before)[0, 0, 0].max()))
    print(f"onnx: {f'{operator} {opset}, linear, twice:':29} off by {moved[-1]:.2f} columns, converted file valid")
noise = np.random.default_rng(0).standard_normal((1, 2, 2, 2)).astype(np.float32)
totals = {}
for name, operator, convert, target in (
    ("onnx: Hardmax 11 of [1, 2, 2, 2]", "Hardmax", by_onnx, 13),
    ("onnxscript: Softmax 11 of the same", "Softmax", by_onnxscript, 18),
    ("onnx: Softmax 11 of the same", "Softmax", by_onnx, 18),
):
    old = model(operator, 11, noise)
    before, after = (run(proto, noise).sum() for proto in (old, convert(old, target)))
    totals[name] = [round(float(before)), round(float(after))]
    print(f"{name + ':':35} sum {before:.0f} before, {after:.0f} after")
assert min(moved) > 0.2, "Resize stays where it is now"
assert list(totals.values()) == [[1, 4], [1, 4], [1, 1]], "the converters are others now"
PYTHON
