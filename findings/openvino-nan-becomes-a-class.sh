#!/usr/bin/env bash
# A net whose weights are NaN answers a class in OpenVINO: its Relu makes 0 of NaN, its TopK ranks round it.
#
# Versions   openvino 2026.4.1 (CPU, inference precision f32), onnxruntime 1.32.0, onnx 1.23.2
# Guess      NaN spreads through every operator to the scores, where a server finds it: so it is in ONNX's
#            reference and, for these operators, in onnxruntime.
# What is so Relu(NaN) is 0, Clip(NaN) is its lower bound, HardSigmoid(NaN) is 1 and MaxPool steps over NaN. A net
#            that diverged in training (one layer's filters are all NaN) gives finite scores, the same for each
#            picture, and passes every check for NaN at its end. Where NaN does come to the end, TopK (largest
#            first) neither puts it first nor ranks the others: of 1, NaN, 2, 7 it names 1, NaN, 7.
# Who is hit Who tests a training run, or guards a service, by looking for NaN in what the runtime answers.
# Seen       Relu(NaN):                onnxruntime nan, OpenVINO 0.0
#            Clip(NaN, 0, 6):          onnxruntime nan, OpenVINO 0.0
#            HardSigmoid(NaN):         onnxruntime nan, OpenVINO 1.0
#            net with NaN filters:     onnxruntime [nan nan nan], OpenVINO [ 0.5 -1.   2. ]
#            TopK of 1 NaN 2 3 -1 7:   onnxruntime [nan  7.  3.], OpenVINO [ 1. nan  7.]
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

NAN = np.float32("nan")


def model(nodes, shape, outputs, constants):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def both(nodes, x, outputs=(("y", TensorProto.FLOAT),), constants={}):
    """The first output in onnxruntime and in OpenVINO."""
    data = model(nodes, x.shape, outputs, constants).SerializeToString()
    ort = onnxruntime.InferenceSession(data).run(None, {"x": x})[0]
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return ort, compiled([x])[compiled.output(0)]


def show(what, pair):
    print(f"{what + ':':25} onnxruntime {pair[0]}, OpenVINO {pair[1]}")
    return pair


one = np.array([NAN], np.float32)
bounds = {"low": np.float32(0), "high": np.float32(6)}
relu = show("Relu(NaN)", [v[0] for v in both([helper.make_node("Relu", ["x"], ["y"])], one)])
clip = show("Clip(NaN, 0, 6)", [v[0] for v in both([helper.make_node("Clip", ["x", "low", "high"], ["y"])], one, constants=bounds)])
gate = show("HardSigmoid(NaN)", [v[0] for v in both([helper.make_node("HardSigmoid", ["x"], ["y"])], one)])
net = [
    helper.make_node("Conv", ["x", "filters"], ["c"], pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["c"], ["r"]),
    helper.make_node("GlobalAveragePool", ["r"], ["p"]),
    helper.make_node("Flatten", ["p"], ["f"]),
    helper.make_node("Gemm", ["f", "w", "bias"], ["y"]),
]
weights = {
    "filters": np.full((4, 3, 3, 3), NAN),
    "w": np.ones((4, 3), np.float32),
    "bias": np.array([0.5, -1, 2], np.float32),
}
picture = np.random.default_rng(0).random((1, 3, 8, 8), np.float32)
scores = show("net with NaN filters", [v[0] for v in both(net, picture, constants=weights)])
top = show(
    "TopK of 1 NaN 2 3 -1 7",
    both(
        [helper.make_node("TopK", ["x", "k"], ["y", "i"])],
        np.array([1, NAN, 2, 3, -1, 7], np.float32),
        (("y", TensorProto.FLOAT), ("i", TensorProto.INT64)),
        {"k": np.array([3], np.int64)},
    ),
)
for ort, vino in (relu, clip, gate):
    assert np.isnan(ort) and not np.isnan(vino), "the two agree on NaN now"
assert np.isnan(scores[0]).all() and np.isfinite(scores[1]).all(), "a NaN net shows now"
assert np.isnan(top[0][0]) and not np.isnan(top[1][0]), "TopK ranks NaN first now"
PYTHON
