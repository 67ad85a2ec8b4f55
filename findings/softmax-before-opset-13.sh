#!/usr/bin/env bash
# OpenVINO and ONNX's reference evaluator take the Softmax of opset 11 for that of 13: other probabilities.
#
# Versions   openvino 2026.4.1 (CPU, f32), onnx 1.23.2 (reference evaluator), onnxruntime 1.32.0, tract 0.23.9
# Guess      A runtime reads the opset a file names. Before 13 Softmax takes all axes from `axis` on as one row (and
#            `axis` is 1 where it is not said), from 13 on one axis, the last.
# What is so OpenVINO takes opset 11's over the one axis `axis`. The reference evaluator, which many take for the
#            truth, has the default of 13 as well: scores [1, 3, 1, 1] are all 1. onnxruntime and tract read it as
#            it was defined. LogSoftmax is the same.
# Who is hit Files up to opset 12 with a softmax over more than one axis: score maps [N, C, H, W] and tokens [N, T, C]
#            with axis 1 (by default, too). Where all behind the axis is of size 1 ([N, 1000, 1, 1]) OpenVINO is
#            right, so that a check with one classifier does not show it.
# Seen       [1, 3, 2, 2], default axis: sums over the image: onnxruntime 1.00, tract 1.00, OpenVINO 4.00, reference 6.00
#            [1, 3, 1, 1], default axis: sums over the image: onnxruntime 1.00, tract 1.00, OpenVINO 1.00, reference 3.00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 tract==0.23.9 numpy==2.4.6
venv/bin/python -W ignore - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino
import tract
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def in_openvino(proto, x):
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(proto.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled([x])[compiled.output(0)]


def in_tract(proto, x):
    onnx.save(proto, "net.onnx")
    return tract.onnx().load("net.onnx").into_model().into_runnable().run([x])[0].to_numpy()


runtimes = {
    "onnxruntime": lambda proto, x: onnxruntime.InferenceSession(proto.SerializeToString()).run(None, {"x": x})[0],
    "tract": in_tract,
    "OpenVINO": in_openvino,
    "reference": lambda proto, x: ReferenceEvaluator(proto).run(None, {"x": x})[0],
}
sums = []
for shape in ((1, 3, 2, 2), (1, 3, 1, 1)):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Softmax", ["x"], ["y"])],
        "scores",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    onnx.checker.check_model(proto)
    found = {name: float(run(proto, x).sum()) for name, run in runtimes.items()}
    sums.append([round(total) for total in found.values()])
    text = ", ".join(f"{name} {total:.2f}" for name, total in found.items())
    print(f"[{', '.join(map(str, shape))}], default axis: sums over the image: {text}")
assert sums == [[1, 1, 4, 6], [1, 1, 1, 3]], "they read it otherwise now"
PYTHON
