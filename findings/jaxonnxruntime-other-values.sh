#!/usr/bin/env bash
# jaxonnxruntime: a slice to the end leaves out the last element, beta=0 adds the bias, and LogSoftmax is minus infinity.
#
# Versions   jaxonnxruntime 0.3.0, jax 0.10.2, onnx 1.23.2, onnxruntime 1.32.0
# Guess      The operators it has handlers for have the standard's values; a value which it cannot follow is refused, as TopK's k is.
# What is so jax keeps 32 of an int64's bits unless jax_enable_x64 is set, and does so to the file's constants: 2**63-1, which PyTorch's exporter
#            writes for an open end, becomes -1, and Slice leaves out the last element (a reversal the last one or two); with
#            JAX_ENABLE_X64=1 it is right. Gemm takes an alpha or beta of 0 for an absent one, which is 1 (onnx_gemm: "not beta").
#            LogSoftmax is the logarithm of softmax: minus infinity from 104 below the largest on. Softmax and LogSoftmax before opset 13 are
#            of one axis. Integers are divided downwards, not towards zero. Of equal values TopK takes the last in tensors of three axes
#            and the first in matrices. Slice's starts as an input are those of the sample that the function was made with.
# Who is hit Who runs or goes on training PyTorch's files in JAX: x[:, 1:] for a transformer's patches, losses by LogSoftmax, old files.
# Seen       what, jaxonnxruntime, onnxruntime
#            x[:, 1:]                                       [2.0, 3.0] for [2.0, 3.0, 4.0]
#            x[:, 1:], end of 2**31-1                       as onnxruntime
#            x[:, ::-1]                                     [4.0, 3.0] for [4.0, 3.0, 2.0, 1.0]
#            Gemm with beta 0                               [107.0, 210.0] for [7.0, 10.0]
#            Gemm with alpha 0                              [107.0, 210.0] for [100.0, 200.0]
#            Gemm with beta 0.5                             as onnxruntime
#            LogSoftmax of 200 and 0                        [0.0, -inf] for [0.0, -200.0]
#            Softmax of 1x2x2, opset 11                     [0.12, 0.12, 0.88, 0.88] for [0.03, 0.09, 0.24, 0.64]
#            Softmax of 1x2x2, opset 13                     as onnxruntime
#            -7 and 7 by 2 and -2                           [-4.0, -4.0] for [-3.0, -3.0]
#            place of the best of 1, 3, 3 in (1, 1, 3)      [2.0] for [1.0]
#            place of the best of 1, 3, 3 in (1, 3)         as onnxruntime
#            from 3, made with a sample from 1              [2.0, 3.0, 4.0] for [4.0]
#            x[:, 1:] in 64 bits                            as onnxruntime
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet jaxonnxruntime==0.3.0 jax==0.10.2 jaxlib==0.10.2 absl-py==2.5.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >probe.py <<'PYTHON'
import sys

import numpy
import onnx
import onnxruntime
from jaxonnxruntime.backend import Backend
from jaxonnxruntime.call_onnx import call_onnx_model
from onnx import helper, numpy_helper

wide = len(sys.argv) > 1


def count(*shape):
    return numpy.arange(1, 1 + numpy.prod(shape), dtype=numpy.float32).reshape(shape)


def line(*values):
    return numpy.array(values, numpy.float32)


def build(inputs, nodes, constants={}, opset=17):
    """A checked model with the output y; a node: operator, inputs, outputs, attributes."""
    kinds = {n: (helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in inputs.items()}
    graph = helper.make_graph(
        [helper.make_node(operator, i.split(" "), o.split(" "), **attributes) for operator, i, o, attributes in nodes],
        "g",
        [helper.make_tensor_value_info(name, *kind) for name, kind in kinds.items()],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(v, n) for n, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    onnx.checker.check_model(model, full_check=True)
    return model


def compare(title, inputs, nodes, constants={}, opset=17, right=None):
    """Whether jaxonnxruntime has onnxruntime's values."""
    model = build(inputs, nodes, constants, opset)
    expected = onnxruntime.InferenceSession(model.SerializeToString()).run(["y"], inputs)[0]
    assert right is None or numpy.allclose(expected.ravel(), right), title
    found = numpy.asarray(Backend.run_model(model, inputs)[0])
    same = found.shape == expected.shape and numpy.allclose(found, expected, rtol=1e-3)
    shown = " for ".join(str([round(float(v), 2) for v in values.ravel()]) for values in (found, expected))
    print(f"{title:47}{'as onnxruntime' if same else shown}")
    return same


def integers(*values):
    return numpy.array(values, numpy.int64)


row = {"x": count(1, 4)}
tail = {"from": integers(1), "to": integers(2**63 - 1), "axes": integers(1)}
assert compare("x[:, 1:]" + " in 64 bits" * wide, row, [("Slice", "x from to axes", "y", {})], tail, right=[2, 3, 4]) == wide
if wide:
    sys.exit()
assert compare("x[:, 1:], end of 2**31-1", row, [("Slice", "x from to axes", "y", {})], {**tail, "to": integers(2**31 - 1)})
back = {"from": integers(-1), "to": integers(1 - 2**63), "axes": integers(1), "steps": integers(-1)}
assert not compare("x[:, ::-1]", row, [("Slice", "x from to axes steps", "y", {})], back, right=[4, 3, 2, 1])

dense = {"w": count(2, 2), "b": line(100, 200)}
for title, factors, same, right in (
    ("Gemm with beta 0", dict(beta=0.0), False, [7, 10]),
    ("Gemm with alpha 0", dict(alpha=0.0), False, [100, 200]),
    ("Gemm with beta 0.5", dict(beta=0.5), True, [57, 110]),
):
    assert compare(title, {"x": count(1, 2)}, [("Gemm", "x w b", "y", factors)], dense, right=right) == same
logits = {"x": line(200, 0).reshape(1, 2)}
assert not compare("LogSoftmax of 200 and 0", logits, [("LogSoftmax", "x", "y", {})], right=[0, -200])
for opset, same in ((11, False), (13, True)):
    assert compare(f"Softmax of 1x2x2, opset {opset}", {"x": count(1, 2, 2)}, [("Softmax", "x", "y", {})], opset=opset) == same
whole = {"x": numpy.array([-7, 7], numpy.int32)}
assert not compare("-7 and 7 by 2 and -2", whole, [("Div", "x b", "y", {})], {"b": numpy.array([2, -2], numpy.int32)}, right=[-3, -3])
for shape, same in (((1, 1, 3), False), ((1, 3), True)):
    best = [("TopK", "x k", "values y", {})]
    assert compare(f"place of the best of 1, 3, 3 in {shape}", {"x": line(1, 3, 3).reshape(shape)}, best, {"k": integers(1)}, right=[1]) == same
feeds = {"x": count(1, 4), "from": integers(1)}
model = build(feeds, [("Slice", "x from to axes", "y", {})], {"to": integers(4), "axes": integers(1)})
function, parameters = call_onnx_model(model, feeds)
(found,) = function(parameters, {**feeds, "from": integers(3)})
print(f"{'from 3, made with a sample from 1':47}{found.ravel().tolist()} for [4.0]")
assert found.shape == (1, 3)
PYTHON
export JAX_PLATFORMS=cpu
venv/bin/python -W ignore probe.py
JAX_ENABLE_X64=1 venv/bin/python -W ignore probe.py wide
