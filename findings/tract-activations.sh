#!/usr/bin/env bash
# tract: a quantised softmax gives noise, Celu and Swish know no alpha, Softplus is infinite from 89 on.
#
# Versions   tract 0.23.9, onnxruntime 1.32.0, onnx 1.23.2
# Guess      A runtime written for small devices refuses what it does not know and computes the rest right; a softmax
#            between DequantizeLinear and QuantizeLinear is the softmax to a step of the quantisation.
# What is so A Softmax between them is replaced by one of integers, whose result is no softmax in any of the usual
#            settings (uint8 or int8, any zero point). Celu forgets to multiply by alpha, Swish (opset 24) does not
#            look at it, and Softplus of 100 is inf.
# Who is hit Quantised nets with attention or with softmax as last layer (what onnxruntime's quantize_static and NNCF write),
#            nets with these activations, in Rust services and on devices.
# Seen       quantised softmax of [0, 1, 2, 4], uint8: onnxruntime 0.016 0.043 0.113 0.832, tract 0.996 0.996 0.996 0.996
#            quantised softmax of [0, 1, 2, 4], int8: onnxruntime 0.016 0.043 0.113 0.832, tract 0.996 0.996 0.996 0.996
#            Celu of -2 and 1, alpha 2:    as defined -1.264 1.000, tract -0.632 1.000
#            Swish of -2 and 1, alpha 2:   as defined -0.036 0.881, tract -0.238 0.731
#            Softplus of 88 and 100:       as defined 88.000 100.000, tract 88.000 inf
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 tract==0.23.9 numpy==2.4.6
venv/bin/python -W ignore - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import tract
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def model(nodes, x, constants=(), opset=21):
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, x.shape)],
        [numpy_helper.from_array(value, name) for name, value in constants],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=11 if opset > 21 else 10)


def both(proto, x, by_function=False):
    """By onnxruntime, or by ONNX's own definition where that has no kernel yet; and by tract."""
    onnx.checker.check_model(proto)
    onnx.save(proto, "net.onnx")
    theirs = tract.onnx().load("net.onnx").into_model().into_runnable().run([x])[0].to_numpy()
    if by_function:
        (defined,) = ReferenceEvaluator(proto).run(None, {"x": x})
    else:
        (defined,) = onnxruntime.InferenceSession("net.onnx").run(None, {"x": x})
    return defined.ravel(), theirs.ravel()


def text(values):
    return " ".join(f"{value:.3f}" for value in values)


def qdq(source, target, scale, zero):
    return [
        helper.make_node("QuantizeLinear", [source, scale, zero], [f"{target}.q"]),
        helper.make_node("DequantizeLinear", [f"{target}.q", scale, zero], [target]),
    ]


x = np.array([[0, 1, 2, 4]], np.float32)
off = []
for name, zero_in, zero_out in (("uint8", np.uint8(128), np.uint8(0)), ("int8", np.int8(0), np.int8(-128))):
    nodes = [
        *qdq("x", "xd", "scale", "zero"),
        helper.make_node("Softmax", ["xd"], ["s"], axis=-1),
        *qdq("s", "y", "scale_out", "zero_out"),
    ]
    constants = [("scale", np.float32(1 / 16)), ("zero", zero_in), ("scale_out", np.float32(1 / 256)), ("zero_out", zero_out)]
    ours, theirs = both(model(nodes, x, constants), x)
    off.append(float(np.abs(ours - theirs).max()))
    print(f"quantised softmax of [0, 1, 2, 4], {name}: onnxruntime {text(ours)}, tract {text(theirs)}")
celu, swish = [
    both(model([helper.make_node(operator, ["x"], ["y"], alpha=2.0)], z, opset=opset), z, alone)
    for z in [np.array([-2, 1], np.float32)]
    for operator, opset, alone in (("Celu", 21, False), ("Swish", 24, True))
]
print(f"Celu of -2 and 1, alpha 2:    as defined {text(celu[0])}, tract {text(celu[1])}")
print(f"Swish of -2 and 1, alpha 2:   as defined {text(swish[0])}, tract {text(swish[1])}")
hundred = np.array([88, 100], np.float32)
softplus = both(model([helper.make_node("Softplus", ["x"], ["y"])], hundred), hundred)
print(f"Softplus of 88 and 100:       as defined {text(softplus[0])}, tract {text(softplus[1])}")
assert min(off) > 0.3, "the quantised softmax is one now"
assert abs(celu[0][0] - celu[1][0]) > 0.5 and abs(swish[0][0] - swish[1][0]) > 0.1, "alpha is looked at now"
assert np.isinf(softplus[1][1]) and softplus[0][1] == 100, "Softplus is finite now"
PYTHON
