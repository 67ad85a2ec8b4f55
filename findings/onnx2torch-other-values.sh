#!/usr/bin/env bash
# onnx2torch: a maximum over the last two axes becomes one over channels and rows, and each Resize PyTorch's own of the nearest name.
#
# Versions   onnx2torch 1.5.15, torch 2.15.0 (some 5 GB when installed), onnx 1.23.2, onnxruntime 1.32.0
# Guess      The operators it has a converter for have the standard's values; what PyTorch cannot say is refused.
# What is so ReduceMax, ReduceMin and ReduceProd with keepdims=0 take one axis after the other, and -2 counts from the end of what is left:
#            global max-pooling by axes -2 and -1, as it is exported, is a maximum over channels and rows, of the same shape where there are
#            as many columns as channels. With axes 2 and 3, or keepdims=1, it is right, and so are ReduceMean and ReduceSum. Resize is
#            torch's interpolate: asymmetric becomes half_pixel, the nearest pixel is rounded down and from the corner whatever nearest_mode
#            and coordinates say (the standard's default among them), a cubic coefficient is PyTorch's -0.75. A Pad of opset 2 to 10
#            forgets its value. PRelu's slopes by column become slopes by channel where a map has as many columns as channels.
# Who is hit Who brings an ONNX file to PyTorch to go on training: nets that end in amax, nets of other frameworks' exporters that
#            resize inside.
# Seen       max over -2 and -1, keepdims=0                  [7.0, 8.0] for [4.0, 8.0]
#            max over 2 and 3, keepdims=0                    as the standard
#            mean over -2 and -1, keepdims=0                 as the standard
#            linear, half_pixel                              as the standard
#            linear, asymmetric                              [1.0, 1.25, 1.75, 2.0] for [1.0, 1.5, 2.0, 2.0]
#            nearest, as the standard's default              [1.0, 2.0, 4.0] for [1.0, 3.0, 5.0]
#            cubic, coefficient -0.5                         [0.89, 1.23, 1.77, 2.11] for [0.93, 1.2, 1.8, 2.07]
#            padding by 7, opset 10                          [0.0, 1.0, 2.0, 0.0] for [7.0, 1.0, 2.0, 7.0]
#            PRelu by column, as many as channels            [-1.0, -2.0, -30.0, -40.0] for [-1.0, -20.0, -3.0, -40.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet onnx2torch==1.5.15 torch==2.15.0 onnx==1.23.2 onnxruntime==1.32.0
venv/bin/python -W ignore - <<'PYTHON'
import numpy
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx2torch import convert


def count(*shape):
    return numpy.arange(1, 1 + numpy.prod(shape), dtype=numpy.float32).reshape(shape)


def compare(title, x, operator, constants={}, opset=13, **attributes):
    """Whether onnx2torch has the values that onnxruntime and the standard's reference have."""
    inputs = ["x", *([] if operator != "Resize" else ["", ""]), *constants]
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, ["y"], **attributes)],
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    onnx.checker.check_model(model, full_check=True)
    (right,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    (reference,) = ReferenceEvaluator(model).run(None, {"x": x})
    assert numpy.allclose(right, reference, atol=1e-5), title
    with torch.no_grad():
        found = convert(model)(torch.from_numpy(x)).numpy()
    same = found.shape == right.shape and numpy.allclose(found, right, atol=1e-4)
    shown = " for ".join(str([round(float(v), 2) for v in values.ravel()]) for values in (found, right))
    print(f"{title:48}{'as the standard' if same else shown}")
    return same


maps = count(1, 2, 2, 2)
assert not compare("max over -2 and -1, keepdims=0", maps, "ReduceMax", axes=[-2, -1], keepdims=0)
assert compare("max over 2 and 3, keepdims=0", maps, "ReduceMax", axes=[2, 3], keepdims=0)
assert compare("max over -2 and -1, keepdims=1", maps, "ReduceMax", axes=[-2, -1], keepdims=1)
assert compare("mean over -2 and -1, keepdims=0", maps, "ReduceMean", axes=[-2, -1], keepdims=0)


def resized(title, before, after, **attributes):
    sizes = {"sizes": numpy.array([1, 1, 1, after])}
    return compare(title, count(1, 1, 1, before), "Resize", sizes, **attributes)


assert resized("linear, half_pixel", 2, 4, mode="linear")
assert not resized("linear, asymmetric", 2, 4, mode="linear", coordinate_transformation_mode="asymmetric")
assert not resized("nearest, as the standard's default", 5, 3)
floor = dict(coordinate_transformation_mode="asymmetric", nearest_mode="floor")
assert resized("nearest, asymmetric, floor", 5, 3, **floor)
assert not resized("cubic, coefficient -0.5", 2, 4, mode="cubic", cubic_coeff_a=-0.5)
assert resized("cubic, coefficient -0.75", 2, 4, mode="cubic", cubic_coeff_a=-0.75)
edges = dict(opset=10, pads=[0, 0, 0, 1, 0, 0, 0, 1], value=7.0)
assert not compare("padding by 7, opset 10", count(1, 1, 1, 2), "Pad", **edges)
slopes = {"slopes": numpy.array([1, 10], numpy.float32)}
assert not compare("PRelu by column, as many as channels", -count(1, 2, 2), "PRelu", slopes)
PYTHON
