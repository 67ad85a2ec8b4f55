#!/usr/bin/env bash
# OpenCV's DNN module takes SAME_LOWER for SAME_UPPER, a Resize's scale for the ratio of its sizes, and of a matrix a channel takes another channel's.
#
# Versions   opencv-python-headless 5.0.0.93, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6
# Guess      readNetFromONNX refuses what it does not know (for six of 585 graphs of one to three operators it did); what it opens gives what
#            onnxruntime and the standard's reference give.
# What is so A conv with auto_pad SAME_LOWER and an odd padding has the larger half after the image instead of before it. A
#            Resize by 0.7 of 13 pixels gives 9 of them, as it should, but steps by 13/9 and not by 1/0.7. A
#            product with a matrix a channel, [4, 13, 5], is right for one image, and for two multiplies the channels by the first, the first,
#            the second and the second of the four. Sizes are right in all three, so that nothing fails.
# Who is hit Who puts a classifier into OpenCV: files of CNTK's and other old exporters (SAME_LOWER), PyTorch's
#            interpolate(scale_factor=0.7), which is exported as a scale, and projections with weights a head.
# Seen       conv, SAME_LOWER:       OpenCV is off by 4.00; as SAME_UPPER it would be off by 0.00
#            resize by 0.7:          OpenCV is off by 0.16; stepping by 13/9 it would be off by 0.00
#            matrices, two images:   OpenCV is off by 2.00; by the first two, twice each, it would be off by 0.00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
OPENCV_LOG_LEVEL=SILENT venv/bin/python - 2>/dev/null <<'PYTHON'
import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def model(op, x, y, constants, inputs, **attributes):
    node = helper.make_node(op, inputs, ["y"], **attributes)
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in (("x", x), ("y", y))]
    graph = helper.make_graph([node], "graph", ends[:1], ends[1:], tensors)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def right(made, x):
    (value,) = onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"x": x})
    (standard,) = ReferenceEvaluator(made).run(None, {"x": x})
    assert np.abs(value - standard).max() < 1e-5
    return value


def show(what, made, other, x, instead):
    net = cv2.dnn.readNetFromONNX(np.frombuffer(made.SerializeToString(), np.uint8))
    net.setInput(x)
    found = net.forward()
    off, taken = (np.abs(found - right(which, x)).max() for which in (made, other))
    print(f"{what + ':':23} OpenCV is off by {off:.2f}; {instead} it would be off by {taken:.2f}")
    assert off > 0.1 and taken < 1e-4


image = np.zeros((1, 1, 5, 5), np.float32)
image[0, 0, 2, 2] = 1
kernel = np.array([[[[1, 2], [3, 4]]]], np.float32)
convs = [
    model("Conv", [1, 1, 5, 5], [1, 1, 5, 5], {"w": kernel}, ["x", "w"], kernel_shape=[2, 2], auto_pad=way)
    for way in ("SAME_LOWER", "SAME_UPPER")
]
show("conv, SAME_LOWER", *convs, image, "as SAME_UPPER")

waves = np.cos(np.arange(13 * 13, dtype=np.float32)).reshape(1, 1, 13, 13)
resizes = [
    model("Resize", [1, 1, 13, 13], [1, 1, 9, 9], {"s": scale}, inputs, mode="linear")
    for scale, inputs in (
        (np.array([1, 1, 0.7, 0.7], np.float32), ["x", "", "s"]),
        (np.array([1, 1, 9, 9], np.int64), ["x", "", "", "s"]),
    )
]
show("resize by 0.7", *resizes, waves, "stepping by 13/9")

ones = np.ones((2, 4, 1, 1), np.float32)
matrices = np.arange(1, 5, dtype=np.float32).reshape(4, 1, 1)
products = [
    model("MatMul", [2, 4, 1, 1], [2, 4, 1, 1], {"w": weights}, ["x", "w"]) for weights in (matrices, matrices[[0, 0, 1, 1]])
]
show("matrices, two images", *products, ones, "by the first two, twice each,")
PYTHON
