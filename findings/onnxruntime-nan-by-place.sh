#!/usr/bin/env bash
# In onnxruntime a NaN among the values makes ReduceMax NaN, nothing at all, or smaller, by where it stands.
#
# Versions   onnxruntime 1.32.0 (CPU), onnx 1.23.2, numpy 2.4.6
# Guess      A NaN among the values makes the maximum NaN, as numpy, PyTorch and onnxruntime's own Relu, Clip and
#            TopK have it; or, at the least, one rule holds wherever it stands.
# What is so The place decides, in each operator in another way. MaxPool and GlobalMaxPool over 2x2 are NaN for the
#            last place alone. ReduceMax over four is NaN for the first; for the second it is not even the largest
#            of the others (1 of 0, NaN, 1, 2). ArgMax names the NaN at the first place and steps over it elsewhere.
# Who is hit Nets whose activations hold NaN (diverged, or float16 that overflowed): some pictures answer NaN and
#            others a class, by the place of the fault; ArgMax in the graph hides it nearly always.
# Seen       maximum of 0 1 2 and NaN at place 0, 1, 2, 3 of the four:
#            MaxPool 2x2    [ 2.  2.  2. nan]
#            GlobalMaxPool  [ 2.  2.  2. nan]
#            ReduceMax      [nan  1.  2.  2.]
#            ArgMax         [0 3 3 2] (NaN stands at 0 1 2 3)
#            numpy.max      [nan nan nan nan]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

NAN = np.float32("nan")


def run(operator, x, kind=TensorProto.FLOAT, **attributes):
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], **attributes)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", kind, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0].ravel()


def with_nan(place, values=(0, 1, 2)):
    row = list(values)
    row.insert(place, NAN)
    return np.array(row, np.float32)


windows = [with_nan(place).reshape(1, 1, 2, 2) for place in range(4)]
pooled = np.concatenate([run("MaxPool", x, kernel_shape=[2, 2]) for x in windows])
whole = np.concatenate([run("GlobalMaxPool", x) for x in windows])
reduced = np.concatenate([run("ReduceMax", with_nan(place).reshape(1, 4), axes=[1]) for place in range(4)])
best = np.concatenate([run("ArgMax", with_nan(place).reshape(1, 4), TensorProto.INT64, axis=1) for place in range(4)])
print("maximum of 0 1 2 and NaN at place 0, 1, 2, 3 of the four:")
print(f"MaxPool 2x2    {pooled}")
print(f"GlobalMaxPool  {whole}")
print(f"ReduceMax      {reduced}")
print(f"ArgMax         {best} (NaN stands at 0 1 2 3)")
print(f"numpy.max      {np.array([with_nan(place).max() for place in range(4)])}")
assert 0 < np.isnan(pooled).sum() < 4, "MaxPool treats NaN alike wherever it stands now"
assert not np.isnan(reduced).all(), "ReduceMax hands NaN on now"
PYTHON
