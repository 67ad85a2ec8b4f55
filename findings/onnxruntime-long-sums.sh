#!/usr/bin/env bash
# onnxruntime's and OpenVINO's float32 sums over long vectors lose digits: one per cent at ten million values.
#
# Versions   onnxruntime 1.32.0 (CPU), openvino 2026.4.1 (CPU, f32), onnx 1.23.2, numpy 2.4.6
# Guess      A sum is taken in blocks or pairs, as numpy and PyTorch take it: an error of 1e-7 at any length.
# What is so Values are added one after the other into a register's worth of sums. Of equal values 0.1 the sum of a
#            million is off by 9e-4 (numpy 6e-8) and of ten million by 1e-2. ReduceMean, ReduceL2 and
#            GlobalAveragePool are no better, and which shape the vector has decides in OpenVINO.
# Who is hit Norms of all gradients (clipping), losses over large batches, statistics in the graph. Summing in two
#            steps, [n] as [1000, n / 1000], is a thousand times better.
# Seen       100000 values: onnxruntime 1.3e-04, OpenVINO 1.4e-04, numpy 8.3e-08, onnxruntime in two steps 8.3e-08
#            10000000 values: onnxruntime 1.1e-02, OpenVINO 8.8e-02, numpy 1.1e-07, onnxruntime in two steps 9.5e-06
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper


def sums(shape, *axes):
    """ReduceSum over the axes, one after the other."""
    names = ["x", *(f"s{i}" for i in range(len(axes)))]
    nodes = [
        helper.make_node("ReduceSum", [names[i], f"axes{i}"], [names[i + 1]], keepdims=0) for i in range(len(axes))
    ]
    graph = helper.make_graph(
        nodes,
        "sum",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, [])],
        [numpy_helper.from_array(np.array([axis], np.int64), f"axes{i}") for i, axis in enumerate(axes)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


def in_onnxruntime(data, x):
    return float(onnxruntime.InferenceSession(data).run(None, {"x": x})[0])


def in_openvino(data, x):
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return float(compiled([x])[compiled.output(0)])


for n in (100_000, 10_000_000):
    x = np.full(n, 0.1, np.float32)
    true = x.sum(dtype=np.float64)
    off = lambda value: abs(value - true) / true
    whole = sums([n], 0)
    ort, vino = off(in_onnxruntime(whole, x)), off(in_openvino(whole, x))
    steps = off(in_onnxruntime(sums([1000, n // 1000], 1, 0), x.reshape(1000, -1)))
    print(
        f"{n} values: onnxruntime {ort:.1e}, OpenVINO {vino:.1e}, numpy {off(float(x.sum())):.1e}, "
        f"onnxruntime in two steps {steps:.1e}"
    )
assert ort > 1e-3 and vino > 1e-3, "long sums are exact now"
assert steps < ort / 10, "two steps do not help any more"
PYTHON
