#!/usr/bin/env bash
# onnxconverter-common's float16 cuts weights off at 10000, though float16 goes to 65504.
#
# Versions   onnxconverter-common 1.16.0, onnxruntime 1.32.0 (its own copy of the converter), onnx 1.23.2
# Guess      convert_float_to_float16 rounds each weight to the nearest float16; only beyond 65504 it has to do something.
# What is so max_finite_val is 1e4 by default: all beyond becomes 10000 (and what is nearer to 0 than 1e-7, 1e-7). There is
#            a Python warning for it, one among others. The copy in onnxruntime.transformers.float16 has the same
#            name and arguments and cuts off at 65504.
# Who is hit Nets whose first norm sees pixels of 0 to 255 or of 16 bits: a variance of 40000 is 10000 afterwards and the
#            channel twice as large. PyTorch-trained nets on 0..1 do not show it.
# Seen       nearest float16:        [ 0.e+00  9.e+03  2.e+04 -5.e+04]
#            onnxconverter-common:   [     0.000000119   9000.           10000.          -10000.         ]; a norm's channels 1.00 and 2.00 times as large
#            onnxruntime:            [     0.00000006   9000.          20000.         -49984.        ]; a norm's channels 1.00 and 1.00 times as large
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2 onnxconverter-common==1.16.0 onnxruntime==1.32.0 numpy==2.4.6 sympy==1.14.0
venv/bin/python -W ignore - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxconverter_common import float16 as common
from onnxruntime.transformers import float16 as own

values = np.array([1e-8, 9000, 20000, -50000], np.float32)
x = (np.random.default_rng(0).random((1, 2, 8, 8)) * 255).astype(np.float32)
weights = {
    "scale": np.ones(2, np.float32),
    "bias": np.zeros(2, np.float32),
    "mean": np.full(2, 120, np.float32),
    "variance": np.array([5000, 40000], np.float32),
}


def model(node, shape, constants):
    graph = helper.make_graph(
        [node],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(proto)
    return proto


def norm():
    return model(helper.make_node("BatchNormalization", ["x", *weights], ["y"]), x.shape, weights)


def run(proto):
    return onnxruntime.InferenceSession(proto.SerializeToString()).run(None, {"x": x})[0][0]


np.set_printoptions(suppress=True, precision=9)
print(f"nearest float16:        {values.astype(np.float16)}")
true = run(norm())
cut, ratios = [], []
for name, converter in (("onnxconverter-common", common), ("onnxruntime", own)):
    proto = converter.convert_float_to_float16(model(helper.make_node("Add", ["x", "w"], ["y"]), [4], {"w": values}))
    cut.append(numpy_helper.to_array(proto.graph.initializer[0]).astype(np.float32).tolist())
    half = run(converter.convert_float_to_float16(norm(), keep_io_types=True))
    ratios.append([float(np.linalg.norm(half[c]) / np.linalg.norm(true[c])) for c in range(2)])
    print(f"{name + ':':23} {np.array(cut[-1], np.float32)}; a norm's channels {ratios[-1][0]:.2f} and {ratios[-1][1]:.2f} times as large")
assert cut[0][2:] == [10000, -10000] and abs(ratios[0][1] - 2) < 0.01, "weights up to 65504 are kept now"
assert cut[1][2:] == values.astype(np.float16)[2:].tolist() and abs(ratios[1][1] - 1) < 0.01, "onnxruntime's copy is another now"
PYTHON
