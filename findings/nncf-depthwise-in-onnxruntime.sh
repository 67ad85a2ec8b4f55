#!/usr/bin/env bash
# NNCF's int8 file of a depthwise net opens in onnxruntime, and fails when it is run.
#
# Versions   nncf 3.4.0, onnx 1.23.2, onnxruntime 1.32.0, openvino 2026.4.1
# Guess      nncf.quantize of an ONNX model writes QuantizeLinear and DequantizeLinear as onnxruntime's own tool does; that is
#            what NNCF has an ONNX backend for, and what opens can be run.
# What is so Before a depthwise convolution NNCF quantises the image by channel, with a scale and a zero point each. The
#            format allows it, the checker passes, the session opens; onnxruntime then makes a QLinearConv of it, which
#            takes one zero point only, and the first run is an error. OpenVINO runs the file, and onnxruntime does with
#            its optimisations disabled, in float32. Without the depthwise convolution all run it.
# Who is hit MobileNets, EfficientNets, ConvNeXts quantised by NNCF and deployed in onnxruntime, where opening the model is
#            the health check.
# Seen       dense in onnxruntime: 0.6% off
#            dense in onnxruntime, optimisations disabled: 0.6% off
#            dense in OpenVINO: 0.6% off
#            depthwise in onnxruntime: opens; run: input zero point must be a scalar or 1D tensor of size 1
#            depthwise in onnxruntime, optimisations disabled: 0.7% off
#            depthwise in OpenVINO: 0.7% off
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet nncf==3.4.0 onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
# NNCF's progress is left out.
venv/bin/python -W ignore - 2>/dev/null <<'PYTHON' | grep ' in '
import logging

import nncf
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

nncf.set_log_level(logging.ERROR)
onnxruntime.set_default_logger_severity(4)
random = np.random.default_rng(0)


def noise(*shape):
    return random.standard_normal(shape).astype(np.float32)


def net(groups):
    """3 x 3 from the picture, 3 x 3 in so many groups, 1 x 1, scores."""
    weights, nodes, value, channels = [], [], "x", 3
    for i, (out, group, size) in enumerate(((16, 1, 3), (16, groups, 3), (32, 1, 1))):
        inner = channels // group
        weights.append(numpy_helper.from_array(noise(out, inner, size, size) / np.float32(inner**0.5 * size), f"w{i}"))
        pads = [size // 2] * 4
        nodes.append(helper.make_node("Conv", [value, f"w{i}"], [f"c{i}"], f"conv{i}", group=group, pads=pads))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"], f"relu{i}"))
        value, channels = f"r{i}", out
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["y"], "mean"))
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 32, 1, 1])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def in_onnxruntime(model, x, level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    try:
        return session.run(None, {"x": x})[0]
    except Exception as error:
        return "opens; run: " + str(error).split(" : ")[-1].strip()


def in_openvino(model, x):
    core = openvino.Core()
    read = core.read_model(model.SerializeToString())
    compiled = core.compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled([x])[compiled.output(0)]


results = {}
x = noise(8, 3, 16, 16)
for name, groups in (("dense", 1), ("depthwise", 16)):
    model = net(groups)
    quantised = nncf.quantize(model, nncf.Dataset([{"x": noise(1, 3, 16, 16)} for _ in range(16)]), subset_size=16)
    onnx.checker.check_model(quantised)
    true = in_onnxruntime(model, x)
    for where, scores in {
        "onnxruntime": in_onnxruntime(quantised, x),
        "onnxruntime, optimisations disabled": in_onnxruntime(
            quantised, x, onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        ),
        "OpenVINO": in_openvino(quantised, x),
    }.items():
        off = scores if isinstance(scores, str) else f"{np.abs(scores - true).max() / np.abs(true).max():.1%} off"
        results[name, where] = off
        print(f"{name} in {where}: {off}")
failed = [key for key, off in results.items() if off.startswith("opens")]
assert failed == [("depthwise", "onnxruntime")], "NNCF's depthwise files run in onnxruntime now"
PYTHON
