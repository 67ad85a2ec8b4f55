#!/usr/bin/env bash
# OpenVINO reduces over all axes where ReduceLogSumExp, ReduceLogSum or ReduceL1 of opset 13 to 17 names some.
#
# Versions   openvino 2026.4.1 (CPU), onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6
# Guess      A reduction with axes=[1] keeps the other axes, in every opset in which axes is an attribute (until 17).
# What is so From opset 13 to 17 OpenVINO drops the attribute of these three, without a word, and gives one number for
#            the whole tensor. In opsets 11 and 18 it is right, and so are ReduceL2, ReduceSumSquare, ReduceMean, ...
# Who is hit Classifiers that end in x - logsumexp(x), or normalise by an L1 norm, exported with opset 13 to 17, those
#            of PyTorch's older exporter. With one image the scores are right; in a batch every image's depend on all
#            the others, and only the order of the classes stays.
# Seen       log-probabilities of the first image of 1 and of 3, opset 17:
#            onnxruntime  [-2.4076 -1.4076 -0.4076]  [-2.4076 -1.4076 -0.4076]
#            OpenVINO     [-2.4076 -1.4076 -0.4076]  [-6.7342 -5.7342 -4.7342]
#            shapes of ReduceLogSumExp, ReduceLogSum, ReduceL1, ReduceL2 of [2, 3] over axis 1:
#            opset 11  (2, 1)  (2, 1)  (2, 1)  (2, 1)
#            opset 13  (1, 1)  (1, 1)  (1, 1)  (2, 1)
#            opset 17  (1, 1)  (1, 1)  (1, 1)  (2, 1)
#            opset 18  (2, 1)  (2, 1)  (2, 1)  (2, 1)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, checker, helper

core = openvino.Core()


def model(nodes, dims, out, opset, constants=()):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, out)],
        constants,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    checker.check_model(made, full_check=True)
    return made.SerializeToString()


def in_openvino(made, x):
    compiled = core.compile_model(core.read_model(made), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return next(iter(compiled([x]).values()))


def in_onnxruntime(made, x):
    return onnxruntime.InferenceSession(made).run(None, {"x": x})[0]


log_softmax = model(
    [
        helper.make_node("ReduceLogSumExp", ["x"], ["sum"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["x", "sum"], ["y"]),
    ],
    ["n", 3],
    ["n", 3],
    17,
)
images = np.array([[1, 2, 3], [4, 5, 6], [6, 5, 7]], np.float32)
rows = {}
print("log-probabilities of the first image of 1 and of 3, opset 17:")
for name, run in (("onnxruntime", in_onnxruntime), ("OpenVINO", in_openvino)):
    rows[name] = run(log_softmax, images[:1])[0], run(log_softmax, images)[0]
    print(f"{name:<12} {np.round(rows[name][0], 4)}  {np.round(rows[name][1], 4)}")
shapes = {}
operators = ("ReduceLogSumExp", "ReduceLogSum", "ReduceL1", "ReduceL2")
print(f"shapes of {', '.join(operators)} of [2, 3] over axis 1:")
for opset in (11, 13, 17, 18):
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    for operator in operators:
        node = (
            helper.make_node(operator, ["x", "axes"], ["y"], keepdims=1)
            if opset >= 18
            else helper.make_node(operator, ["x"], ["y"], axes=[1], keepdims=1)
        )
        made = model([node], [2, 3], [2, 1], opset, [axes] if opset >= 18 else [])
        assert in_onnxruntime(made, images[:2]).shape == (2, 1)
        shapes[operator, opset] = in_openvino(made, images[:2]).shape
    print(f"opset {opset}  {'  '.join(str(shapes[operator, opset]) for operator in operators)}")
assert np.allclose(*rows["onnxruntime"]), "onnxruntime changed"
assert np.allclose(rows["onnxruntime"][0], rows["OpenVINO"][0]), "one image alone is no longer right"
assert not np.allclose(*rows["OpenVINO"]), "an image's scores no longer depend on the batch"
assert all(shapes[operator, 13] == (1, 1) for operator in operators[:3]), "axes are heeded now"
PYTHON
