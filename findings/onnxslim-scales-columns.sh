#!/usr/bin/env bash
# onnxslim folds a factor for each column of a picture into a convolution as one for each channel, if there are as many.
#
# Versions   onnxslim 0.1.98, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Guess      A slimmed model gives the numbers of the model: a Mul behind a Conv becomes part of its weights where the
#            factor is one a channel, [channels, 1, 1], and stays where it is another.
# What is so By ONNX's broadcasting a factor of shape [n] is one a column. Where the picture has as many columns as the
#            convolution has channels, onnxslim scales the channels by it; with one column more the Mul stays.
# Who is hit Nets whose maps are as wide as they have channels (32 of 32 pixels, 64 of 64, ...) and are weighted along
#            their width: windows, position weights, masks. The file opens, is smaller, and gives other scores.
# Seen       8 channels, pictures 8 and 9 columns wide, the same factors 1, 2, 3, ... a column; largest difference:
#            8 columns: operators Conv, 84.00
#            9 columns: operators Conv Mul, 0.00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxslim==0.1.98 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import onnxslim
from onnx import TensorProto, helper, numpy_helper

CHANNELS = 8


def weighted(width):
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["maps"], kernel_shape=[1, 1]),
            helper.make_node("Mul", ["maps", "window"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 4, width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CHANNELS, 4, width])],
        [
            numpy_helper.from_array(np.ones((CHANNELS, 3, 1, 1), np.float32) * 4, "w"),
            numpy_helper.from_array(np.arange(1, width + 1, dtype=np.float32), "window"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def run(model, x):
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


print(f"{CHANNELS} channels, pictures 8 and 9 columns wide, the same factors 1, 2, 3, ... a column; largest difference:")
apart = {}
for width in (CHANNELS, CHANNELS + 1):
    model = weighted(width)
    x = np.ones((1, 3, 4, width), np.float32)
    expected = run(model, x)
    slim = onnxslim.slim(model)
    apart[width] = np.abs(run(slim, x) - expected).max()
    print(f"{width} columns: operators {' '.join(node.op_type for node in slim.graph.node)}, {apart[width]:.2f}")
assert apart[CHANNELS] > 1, "the factors of columns stay factors of columns now"
assert apart[CHANNELS + 1] == 0, "another width is no longer right"
PYTHON
