#!/usr/bin/env bash
# onnxoptimizer drops the first of two Reshapes though the second copies a size from it, and the batch is another.
#
# Versions   onnxoptimizer 0.4.2, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Guess      Of two Reshapes in a row the first may go only where the second says all sizes itself: a 0 in its shape copies
#            the size of what it reads, which is what the first one made.
# What is so The default passes drop the first whatever the second says; the 0 then copies a size of the value before both.
# Who is hit Nets that fold something into the batch and then flatten: shuffled channels, windows, frames, groups. The
#            output has another shape, or, where the sizes happen to fit further on, other numbers.
# Seen       x [2, 4, 3, 3] to [8, 1, 3, 3] to [0, -1]:
#            as given       Reshape Reshape -> (8, 9)
#            onnxoptimizer  Reshape -> (2, 36)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxoptimizer==0.4.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

graph = helper.make_graph(
    [
        helper.make_node("Reshape", ["x", "first"], ["apart"]),
        helper.make_node("Reshape", ["apart", "second"], ["y"]),
    ],
    "g",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 4, 3, 3])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", "m"])],
    [
        numpy_helper.from_array(np.array([8, 1, 3, 3], np.int64), "first"),
        numpy_helper.from_array(np.array([0, -1], np.int64), "second"),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
x = np.arange(72, dtype=np.float32).reshape(2, 4, 3, 3)
shapes = []
print("x [2, 4, 3, 3] to [8, 1, 3, 3] to [0, -1]:")
for name, made in (("as given", model), ("onnxoptimizer", onnxoptimizer.optimize(model))):
    y = onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"x": x})[0]
    print(f"{name:<14} {' '.join(node.op_type for node in made.graph.node)} -> {y.shape}")
    shapes.append(y.shape)
assert shapes[0] == (8, 9), "onnxruntime reads the Reshapes otherwise"
assert shapes[1] != shapes[0], "onnxoptimizer heeds the 0 now"
PYTHON
