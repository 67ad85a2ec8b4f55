#!/usr/bin/env bash
# OpenVINO runs Resize without its antialias, exclude_outside and keep_aspect_ratio_policy, and says nothing.
#
# Versions   openvino 2026.4.1 (CPU, inference precision f32), onnxruntime 1.32.0, onnx 1.23.2
# Guess      An attribute that a runtime cannot honour is refused when the model is read, as OpenVINO refuses
#            coordinate_transformation_mode=half_pixel_symmetric.
# What is so All three attributes are dropped without a word. Shrinking a checkerboard of 1 and 0 to 9
#            pixels with antialias gives nearly even grey in onnxruntime and in ONNX's reference; OpenVINO gives what
#            it gives without antialias, with pixels that are 0.39 of the whole range off.
# Who is hit Whoever puts the resizing of photographs into the graph (Pillow and torchvision shrink with
#            antialias): the same file prefers other classes in OpenVINO, most of all for large pictures.
# Seen       onnxruntime, antialias:  largest distance from ONNX's reference 0.0000
#            OpenVINO, antialias:     largest distance from ONNX's reference 0.3946
#            OpenVINO, with and without antialias: largest distance 0.0000
#            OpenVINO, exclude_outside 1 and 0: largest distance 0.0000; in onnxruntime 0.0553
#            keep_aspect_ratio_policy=not_smaller, 32x32 to 9x18: onnxruntime (1, 1, 18, 18), OpenVINO (1, 1, 9, 18)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def resize(height, width, **attributes):
    """A Resize of [1, 1, 32, 32] to [1, 1, height, width]."""
    sizes = numpy_helper.from_array(np.array([height, width], np.int64), "sizes")
    node = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], axes=[2, 3], **attributes)
    graph = helper.make_graph(
        [node],
        "resize",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 32, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [sizes],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def in_onnxruntime(model, x):
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


def in_openvino(model, x):
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(model.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    return compiled([x])[compiled.output(0)]


def distance(a, b):
    return float(np.abs(a - b).max())


rows, columns = np.indices((32, 32))
board = ((rows + columns) % 2).astype(np.float32).reshape(1, 1, 32, 32)
smooth = resize(9, 9, mode="linear", antialias=1)
rough = resize(9, 9, mode="linear")
[truth] = ReferenceEvaluator(smooth).run(None, {"x": board})
ort = distance(in_onnxruntime(smooth, board), truth)
vino = distance(in_openvino(smooth, board), truth)
dropped = distance(in_openvino(smooth, board), in_openvino(rough, board))
print(f"onnxruntime, antialias:  largest distance from ONNX's reference {ort:.4f}")
print(f"OpenVINO, antialias:     largest distance from ONNX's reference {vino:.4f}")
print(f"OpenVINO, with and without antialias: largest distance {dropped:.4f}")

inside = resize(45, 45, mode="cubic", exclude_outside=1)
outside = resize(45, 45, mode="cubic")
vino_edge = distance(in_openvino(inside, board), in_openvino(outside, board))
ort_edge = distance(in_onnxruntime(inside, board), in_onnxruntime(outside, board))
print(f"OpenVINO, exclude_outside 1 and 0: largest distance {vino_edge:.4f}; in onnxruntime {ort_edge:.4f}")

kept = resize(9, 18, mode="linear", keep_aspect_ratio_policy="not_smaller")
shapes = in_onnxruntime(kept, board).shape, in_openvino(kept, board).shape
print(f"keep_aspect_ratio_policy=not_smaller, 32x32 to 9x18: onnxruntime {shapes[0]}, OpenVINO {shapes[1]}")

assert shapes[0] != shapes[1], "OpenVINO honours keep_aspect_ratio_policy now"
assert ort < 1e-4, "onnxruntime no longer agrees with the reference"
assert vino > 0.1 and dropped == 0, "OpenVINO honours antialias now"
assert vino_edge == 0 and ort_edge > 0.01, "OpenVINO honours exclude_outside now"
PYTHON
