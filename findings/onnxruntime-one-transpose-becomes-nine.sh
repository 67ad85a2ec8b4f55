#!/usr/bin/env bash
# onnxruntime's optimiser makes nine Transposes of one, and the graph takes twice as long as without it.
#
# Versions   onnxruntime 1.32.0, onnx 1.23.2
# Guess      A Transpose that several Slices read is done once, as it is written; the optimiser moves Transposes to
#            cancel them against each other, and where none cancels leaves them, or saves time by what it does.
# What is so It moves the Transpose behind the Slices: each then has one of its own, and cuts single values out of rows
#            where it would have copied whole rows of the transposed tensor. The answer is the same, the time twice.
# Who is hit Whoever sorts an image by the parity of its pixels once and then cuts windows (space to depth, the filter
#            gradient of a strided convolution, im2col): the cheap order cannot be written down, for it is undone.
# Seen       as written 4.0 ms, optimised 8.4 ms; Slice, Transpose nine times (AMD EPYC, one thread)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0
venv/bin/python - <<'PYTHON'
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

# Pixels of even and odd rows and columns apart, then what each tap of a 3x3 filter of stride 2 reads.
N, C, S = 64, 3, 33
nodes = [
    helper.make_node("Reshape", ["x", "split"], ["parts"]),
    helper.make_node("Transpose", ["parts"], ["phases"], perm=[3, 5, 0, 1, 2, 4]),
]
constants = {"split": [N, C, S, 2, S, 2], "axes": [0, 1, 4, 5], "flat": [N, C, -1]}
for i in range(3):
    for j in range(3):
        constants[f"start{i}{j}"] = [i % 2, j % 2, i // 2, j // 2]
        constants[f"end{i}{j}"] = [i % 2 + 1, j % 2 + 1, i // 2 + S - 1, j // 2 + S - 1]
        nodes.append(helper.make_node("Slice", ["phases", f"start{i}{j}", f"end{i}{j}", "axes"], [f"tap{i}{j}"]))
        nodes.append(helper.make_node("Reshape", [f"tap{i}{j}", "flat"], [f"flat{i}{j}"]))
nodes.append(helper.make_node("Concat", [f"flat{i}{j}" for i in range(3) for j in range(3)], ["y"], axis=1))
graph = helper.make_graph(
    nodes,
    "taps",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [N, C, 2 * S, 2 * S])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def session(level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.optimized_model_filepath = f"{level.name}.onnx"
    return onnxruntime.InferenceSession(model, options)


Level = onnxruntime.GraphOptimizationLevel
as_written, optimised = session(Level.ORT_DISABLE_ALL), session(Level.ORT_ENABLE_ALL)
x = np.random.default_rng(0).random((N, C, 2 * S, 2 * S), dtype=np.float32)
assert np.array_equal(as_written.run(None, {"x": x})[0], optimised.run(None, {"x": x})[0])


def milliseconds(it):
    start = time.perf_counter()
    it.run(None, {"x": x})
    return 1000 * (time.perf_counter() - start)


times = [(milliseconds(as_written), milliseconds(optimised)) for _ in range(30)]
slow, fast = min(t[1] for t in times), min(t[0] for t in times)
print(f"as written {fast:.1f} ms, optimised {slow:.1f} ms, {slow / fast:.1f} times as long")
ops = [node.op_type for node in onnx.load("ORT_ENABLE_ALL.onnx").graph.node]
print(f"nodes as optimised: {ops}")
first = {op: ops.index(op) for op in ("Slice", "Transpose")}
assert first["Slice"] < first["Transpose"] and ops.count("Transpose") > 1, "the Transpose stays where it is now"

PYTHON
