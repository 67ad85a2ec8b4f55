#!/usr/bin/env bash
# OpenVINO's padded MaxPool with ceil_mode=1 has a row and a column too many, filled with -3.4e38.
#
# Versions   openvino 2026.4.1 (CPU, inference precision f32), onnxruntime 1.32.0, onnx 1.23.2
# Guess      ceil_mode rounds the number of windows up, but a window that would begin in the padding at the end is
#            left out (ONNX since opset 19 says so, PyTorch always did): [1, 1, 7, 8] through 2x2, stride 2 and
#            padding 1 is [1, 1, 4, 5] in every runtime.
# What is so OpenVINO keeps the window that begins in the padding: [1, 1, 5, 5], the last row the lowest float32.
#            Its AveragePool has the right shape, but with count_include_pad=1 another divisor for windows that
#            reach over the padding: 11.33 where onnxruntime and ONNX's reference have 17.
# Who is hit Nets with such pools: a global average after them is about -1e37, a fixed Reshape or a residual Add
#            fails on the shape, and average pools at the edges are wrong by a third without any sign.
# Seen       MaxPool 2x2, stride 2, padding 1, ceil:     onnxruntime (1, 1, 4, 5), OpenVINO (1, 1, 5, 5)
#            its lowest value:                            onnxruntime 0.0, OpenVINO -3.4028234663852886e+38
#            MaxPool 3x3, stride 3, padding 1, ceil:     onnxruntime (1, 1, 3, 3), OpenVINO (1, 1, 3, 4)
#            AveragePool 3x3, stride 2, padding 1, last: onnxruntime 17.00, OpenVINO 11.33
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper

ramp = np.arange(56, dtype=np.float32).reshape(1, 1, 7, 8)


def both(operator, **attributes):
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], ceil_mode=1, pads=[1, 1, 1, 1], **attributes)],
        "pool",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ramp.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10).SerializeToString()
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return onnxruntime.InferenceSession(data).run(None, {"x": ramp})[0], compiled([ramp])[compiled.output(0)]


ort, vino = both("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
print(f"MaxPool 2x2, stride 2, padding 1, ceil:     onnxruntime {ort.shape}, OpenVINO {vino.shape}")
print(f"its lowest value:                           onnxruntime {ort.min()}, OpenVINO {float(vino.min())}")
ort3, vino3 = both("MaxPool", kernel_shape=[3, 3], strides=[3, 3])
print(f"MaxPool 3x3, stride 3, padding 1, ceil:     onnxruntime {ort3.shape}, OpenVINO {vino3.shape}")
average, other = both("AveragePool", kernel_shape=[3, 3], strides=[2, 2], count_include_pad=1)
print(f"AveragePool 3x3, stride 2, padding 1, last: onnxruntime {average.ravel()[-1]:.2f}, OpenVINO {other.ravel()[-1]:.2f}")
assert ort.shape == (1, 1, 4, 5) and vino.shape == (1, 1, 5, 5) and vino.min() < -3e38, "MaxPool has the right shape now"
assert ort3.shape != vino3.shape, "MaxPool has the right shape now"
assert abs(average.ravel()[-1] - other.ravel()[-1]) > 1, "AveragePool agrees now"
PYTHON
