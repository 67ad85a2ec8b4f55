#!/usr/bin/env bash
# Of two quantisations in a row onnxruntime leaves out the coarser: numbers come out that the file cannot hold.
#
# Versions   onnxruntime 1.32.0 (CPU), onnx 1.23.2, numpy 2.4.6
# Guess      Two pairs of QuantizeLinear and DequantizeLinear, one after the other, round twice: what leaves them lies on
#            the grid of the first. An optimiser may make the two faster, not finer.
# What is so By default (from ORT_ENABLE_BASIC on) onnxruntime keeps the scale that is the smaller of both and drops the
#            other pair, in whatever order they stand: with scales 0.3 and 0.01 values come out in steps of 0.01.
# Who is hit Who puts few bits into a graph as such pairs, say 4 in front of layers of 8, to learn what accuracy is left:
#            what is measured is that of the finer quantisation. The same file in another runtime has the coarse steps.
# Way out    the session config entry optimization.disable_specified_optimizers = DoubleQDQPairsRemover
# Seen       -0.7, -0.2, 0.21, 0.77 by steps of 0.3 and then of 0.01:
#            not optimised  -0.60 -0.30 0.30 0.90
#            by default     -0.70 -0.20 0.21 0.77
#            way out        -0.60 -0.30 0.30 0.90
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

nodes, constants, value = [], [], "x"
for name, step in (("coarse", 0.3), ("fine", 0.01)):
    constants += [
        numpy_helper.from_array(np.float32(step), f"{name}_scale"),
        numpy_helper.from_array(np.uint8(128), f"{name}_zero"),
    ]
    ends = [f"{name}_scale", f"{name}_zero"]
    nodes += [
        helper.make_node("QuantizeLinear", [value, *ends], [f"{name}_bytes"]),
        helper.make_node("DequantizeLinear", [f"{name}_bytes", *ends], [f"{name}_value"]),
    ]
    value = f"{name}_value"
graph = helper.make_graph(
    nodes,
    "g",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])],
    [helper.make_tensor_value_info(value, TensorProto.FLOAT, [4])],
    constants,
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
x = np.array([-0.7, -0.2, 0.21, 0.77], np.float32)
plain, default, out = (onnxruntime.SessionOptions() for _ in range(3))
plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
out.add_session_config_entry("optimization.disable_specified_optimizers", "DoubleQDQPairsRemover")
seen = {}
print("-0.7, -0.2, 0.21, 0.77 by steps of 0.3 and then of 0.01:")
for name, options in (("not optimised", plain), ("by default", default), ("way out", out)):
    seen[name] = onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"x": x})[0]
    print(f"{name:<14} {' '.join(f'{value:.2f}' for value in seen[name])}")
assert np.allclose(seen["not optimised"], [-0.6, -0.3, 0.3, 0.9], atol=1e-3), "QuantizeLinear changed"
assert np.allclose(seen["by default"], x, atol=1e-3), "both are made now"
assert np.allclose(seen["way out"], seen["not optimised"]), "the way out is none any more"
PYTHON
