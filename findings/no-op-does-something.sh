#!/usr/bin/env bash
# What looks like doing nothing: a reduction over no axes, and a Resize whose image stays as large.
#
# Versions   onnx 1.23.2, onnxruntime 1.32.0, openvino 2026.4.1 (f32)
# Guess      `noop_with_empty_axes` makes a reduction an identity, as it is called; a Resize by a scale of 1.1 resamples as the scale says, also
#            where 9 x 1.1 rounds down to 9; where an image is reduced to its middle pixel, that is the middle pixel.
# What is so Over no axes ReduceL1 and ReduceL2 still take the absolute and ReduceLogSum the logarithm in onnxruntime and in ONNX's reference
#            evaluator, and in OpenVINO they do nothing; ReduceSumSquare squares in all three. The Resize by 1.1 is a copy in onnxruntime
#            and OpenVINO, and other pixels in the reference evaluator. By half_pixel_symmetric and floor three pixels become the first one
#            in onnxruntime and the middle one in the reference, by half_pixel the middle one in both: rounding in float32 decides.
# Who is hit Whoever takes the reference evaluator, or a second runtime, for what a model means; graphs with empty axes come from generators
#            that write axes as a tensor; scales that keep a size from detectors' pyramids whose sizes are computed.
# Seen                                    reference                          onnxruntime                        openvino
#            ReduceL1 of -2 3 0.5         2 3 0.5                            2 3 0.5                            -2 3 0.5
#            ReduceL2 of -2 3 0.5         2 3 0.5                            2 3 0.5                            -2 3 0.5
#            ReduceLogSum of 2 3 0.5      0.693 1.099 -0.693                 0.693 1.099 -0.693                 2 3 0.5
#            ReduceSumSquare              4 9 0.25                           4 9 0.25                           4 9 0.25
#            Resize by 1.1, linear        0 0.909 1.818 2.727 .. 7.273       0 1 2 .. 8                         0 1 2 .. 8
#            Resize to one, symmetric     1                                  0                                  refused
#            Resize to one, half_pixel    1                                  1                                  1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1
venv/bin/python -W ignore - <<'PYTHON'
import numpy
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def answers(x, op, constant=None, inputs=("x",), **attributes):
    shape = [None] * x.ndim
    graph = helper.make_graph(
        [helper.make_node(op, list(inputs), ["y"], **attributes)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [] if constant is None else [onnx.numpy_helper.from_array(constant, "to")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    hint = {"INFERENCE_PRECISION_HINT": "f32"}

    def in_openvino():
        try:
            core = openvino.Core()
            return core.compile_model(core.read_model(data), "CPU", hint)(x)[0]
        except RuntimeError:
            return None

    found = [
        ReferenceEvaluator(model).run(None, {"x": x})[0],
        onnxruntime.InferenceSession(data).run(None, {"x": x})[0],
        in_openvino(),
    ]
    return [None if y is None else [round(float(v), 3) for v in y.ravel()] for y in found]


def show(what, three):
    print(f"{what:26}", *(("refused" if y is None else " ".join(f"{v:g}" for v in y)).ljust(52) for y in three))
    return three


signed, positive = numpy.float32([-2, 3, 0.5]), numpy.float32([2, 3, 0.5])
plain, absolute = [-2, 3, 0.5], [2, 3, 0.5]
for op in ("ReduceL1", "ReduceL2"):
    assert show(op, answers(signed, op, noop_with_empty_axes=1)) == [absolute, absolute, plain]
logs = [0.693, 1.099, -0.693]
assert show("ReduceLogSum", answers(positive, "ReduceLogSum", noop_with_empty_axes=1)) == [logs, logs, absolute]
assert show("ReduceSumSquare", answers(signed, "ReduceSumSquare", noop_with_empty_axes=1)) == [[4, 9, 0.25]] * 3

row = numpy.arange(9, dtype="float32").reshape(1, 1, 1, 9)
reference, *others = show(
    "Resize by 1.1, linear",
    answers(
        row,
        "Resize",
        numpy.float32([1, 1, 1, 1.1]),
        ("x", "", "to"),
        mode="linear",
        coordinate_transformation_mode="asymmetric",
    ),
)
assert reference[-1] == 7.273 and others == [list(range(9))] * 2
for mode, expected in (("half_pixel_symmetric", [[1], [0], None]), ("half_pixel", [[1]] * 3)):
    one = answers(
        row[..., :3],
        "Resize",
        numpy.int64([1, 1, 1, 1]),
        ("x", "", "", "to"),
        nearest_mode="floor",
        coordinate_transformation_mode=mode,
    )
    assert show(f"to one, {mode}", one) == expected
print("as described")
PYTHON
