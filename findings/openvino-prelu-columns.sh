#!/usr/bin/env bash
# OpenVINO gives each channel the slope of a column where a PRelu's vector fits both.
#
# Versions   openvino 2026.4.1 (CPU), onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6
# Guess      The slope of ONNX's PRelu is broadcast as always: a vector is one number a column, whatever the sizes are.
# What is so OpenVINO's own PReLU has a vector for the channels. Where a map has as many columns as channels, an ONNX
#            file's vector is taken for that; with another number of columns it is one number a column, as it should be.
# Who is hit Nets that are not PyTorch's (whose exporter writes [channels, 1, 1]) with a slope a column, as on [n, time,
#            features] that was given a channel axis; square maps in which sizes happen to be equal.
# Seen       slopes 1, 2, 3, 4 on maps of -1 with 2 rows; the first row of each channel:
#            5 channels, 4 columns: onnxruntime -1 -2 -3 -4, OpenVINO -1 -2 -3 -4 in each channel
#            4 channels, 4 columns: onnxruntime -1 -2 -3 -4 in each; OpenVINO -1 -1 -1 -1, -2 -2 -2 -2, ...
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

core = openvino.Core()
slopes = np.array([1, 2, 3, 4], np.float32)
print("slopes 1, 2, 3, 4 on maps of -1 with 2 rows; the first row of each channel:")
for channels in (5, 4):
    dims = [1, channels, 2, 4]
    graph = helper.make_graph(
        [helper.make_node("PRelu", ["x", "slope"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, dims)],
        [numpy_helper.from_array(slopes, "slope")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    x = -np.ones(dims, np.float32)
    expected = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    seen = next(iter(compiled([x]).values()))
    print(f"{channels} channels, 4 columns: onnxruntime {expected[0, :, 0].tolist()}")
    print(f"                       OpenVINO    {seen[0, :, 0].tolist()}")
    assert np.array_equal(expected, np.broadcast_to(-slopes, dims)), "onnxruntime changed"
    if channels == 5:
        assert np.array_equal(seen, expected), "another number of columns is no longer right"
    else:
        assert np.array_equal(seen[0, :, 0, 0], -slopes), "columns stay columns now"
PYTHON
