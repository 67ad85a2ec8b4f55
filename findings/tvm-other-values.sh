#!/usr/bin/env bash
# TVM: float16 sums stand still at 2048 times what is added, what Resize cannot do it leaves out, and SAME_LOWER a row of pixels.
#
# Versions   apache-tvm 0.27.0.post1 (its relax frontend for ONNX, target llvm), onnx 1.23.2, onnxruntime 1.32.0
# Guess      The operators it has converters for have the standard's values; an attribute that it does not know is refused.
# What is so Sums of float16 are kept in float16: adding up stands still where a sum is 2048 times what is added. A softmax over 4096 classes
#            adds up to 2, a global average of 112x112 ones is 0.16, a product over 4096 is a per cent off. In float32
#            they are right. Resize (class Resize in onnx_frontend.py) takes a scale for a ratio of sizes, though 4 by 1.7 gives 6 pixels
#            and not 6.8; antialias and keep_aspect_ratio_policy are not read. MaxPool's SAME_LOWER (class Pool) rounds the size down, where
#            the standard's words say up: the last row and column are lost. LayerNormalization's second and third output are 0. Relu and Clip answer NaN by their bound.
# Who is hit Who compiles float16 classifiers with TVM; nets that resize inside; shortcuts by a MaxPool of stride 2.
# Seen       what, TVM, onnxruntime
#            average of 112x112 ones, float16               [0.1632] for [1.0]
#            sum of softmax over 4096, float16              [2.0] for [1.0]
#            4096 times 1.01, float16                       [4096.0] for [4136.0]
#            average of 112x112 ones, float32               as onnxruntime
#            sum of softmax over 4096, float32              as onnxruntime
#            4096 times 1.01, float32                       as onnxruntime
#            4 pixels by 1.7                                [1.0, 1.5, 2.1667, 2.8333, 3.5, 4.0] for [1.0, 1.3824, 1.9706, 2.5588, 3.1471, 3.7353]
#            4 pixels by 1.5                                as onnxruntime
#            8 pixels to 2, antialias                       [3.0, 48.0] for [5.3438, 60.375]
#            8 pixels to 2                                  as onnxruntime
#            2x4 to 8x8, not_larger                         [1.0, 1.25, 1.75, 2.25, 2.75, 3.25] for [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
#            largest of 3x3, SAME_LOWER                     [5.0] for [9.0]
#            largest of 3x3, SAME_UPPER                     as onnxruntime
#            1 by the deviation of 2, 4, 6                  [0.0] for [0.6124]
#            Relu of NaN, -1, 1                             [0.0, 0.0, 1.0] for [nan, 0.0, 1.0]
#            Clip of NaN, -1, 1                             [0.0, 0.0, 1.0] for [nan, 0.0, 1.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet apache-tvm==0.27.0.post1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
venv/bin/python -W ignore - 2> >(grep -v -i warning >&2) <<'PYTHON'
import numpy
import onnx
import onnxruntime
import tvm
from onnx import helper, numpy_helper
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

half = numpy.float16


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
    """Whether TVM has onnxruntime's values."""
    model = build(inputs, nodes, constants, opset)
    expected = onnxruntime.InferenceSession(model.SerializeToString()).run(["y"], inputs)[0]
    assert right is None or numpy.allclose(expected.ravel(), right, rtol=2e-3, equal_nan=True), title
    program = relax.transform.DecomposeOpsForInference()(from_onnx(model))
    program = tvm.compile(relax.transform.LegalizeOps()(program), target="llvm")
    found = relax.VirtualMachine(program, tvm.cpu())["main"](*map(tvm.runtime.tensor, inputs.values())).numpy()
    same = found.shape == expected.shape and numpy.allclose(found, expected, rtol=2e-3, equal_nan=True)
    shown = " for ".join(str([round(float(v), 4) for v in values.ravel()[:6]]) for values in (found, expected))
    print(f"{title:47}{'as onnxruntime' if same else shown}")
    return same


for kind, same in ((half, False), (numpy.float32, True)):
    title = f", {kind.__name__}"
    average = [("GlobalAveragePool", "x", "y", {})]
    assert compare("average of 112x112 ones" + title, {"x": numpy.ones((1, 1, 112, 112), kind)}, average, right=[1]) == same
    total = [("Softmax", "x", "p", {}), ("Cast", "p", "q", dict(to=1)), ("ReduceSum", "q", "y", {})]
    assert compare("sum of softmax over 4096" + title, {"x": numpy.zeros((1, 4096), kind)}, total, right=[1]) == same
    product, weights = [("MatMul", "x w", "y", {})], {"w": numpy.full((4096, 1), 1.01, kind)}
    assert compare("4096 times 1.01" + title, {"x": numpy.ones((1, 4096), kind)}, product, weights, right=[4136]) == same


def resized(title, x, last, opset=19, **attributes):
    how = {"scales": line(1, 1, 1, last)} if isinstance(last, float) else {"sizes": numpy.array([1, 1, *last])}
    names = "x   sizes" if "sizes" in how else "x  scales"
    return compare(title, {"x": x}, [("Resize", names, "y", dict(mode="linear", **attributes))], how, opset)


assert not resized("4 pixels by 1.7", count(1, 1, 1, 4), 1.7)
assert resized("4 pixels by 1.5", count(1, 1, 1, 4), 1.5)
eight = line(1, 2, 4, 8, 16, 32, 64, 128).reshape(1, 1, 1, 8)
assert not resized("8 pixels to 2, antialias", eight, [1, 2], antialias=1)
assert resized("8 pixels to 2", eight, [1, 2])
assert not resized("2x4 to 8x8, not_larger", count(1, 1, 2, 4), [8, 8], keep_aspect_ratio_policy="not_larger")
same = dict(kernel_shape=[1, 1], strides=[2, 2])
for side in ("LOWER", "UPPER"):
    pool = [("MaxPool", "x", "p", dict(auto_pad="SAME_" + side, **same)), ("ReduceMax", "p", "y", {})]
    assert compare(f"largest of 3x3, SAME_{side}", {"x": count(1, 1, 3, 3)}, pool, right=[9]) == (side == "UPPER")

x3 = {"x": count(3) * 2}
deviation = [("LayerNormalization", "x one", "n  y", {})]
assert not compare("1 by the deviation of 2, 4, 6", x3, deviation, {"one": line(1, 1, 1)}, right=[0.6124])
void = {"x": line(numpy.nan, -1, 1)}
for operator, more, constants in (("Relu", "", {}), ("Clip", " lo", {"lo": numpy.float32(0)})):
    assert not compare(f"{operator} of NaN, -1, 1", void, [(operator, "x" + more, "y", {})], constants, right=[numpy.nan, 0, 1])
PYTHON
