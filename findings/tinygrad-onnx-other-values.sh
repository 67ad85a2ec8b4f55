#!/usr/bin/env bash
# tinygrad's OnnxRunner: a ResNet's shortcut reads other pixels, a run changes the weights, float16 weights are taken for large numbers, and more.
#
# Versions   tinygrad 0.14.0 (its Python device, which needs no compiler), onnx 1.23.2, onnxruntime 1.32.0
# Guess      The operators it knows have the standard's values, what it does not know it refuses; a second run of one model on one image gives
#            what the first gave.
# What is so All in tinygrad/nn/onnx.py, so on every device. SAME padding may come out negative where the stride is larger than the kernel, and
#            is not taken for 0: pixels are cut off in front (_resolve_pool_pads), for a 1x1 convolution of stride 2, a ResNet's shortcut, the
#            first row and column. ScatterND writes into the tensor that it reads: an initialiser has other values in the next run. An input
#            which an operator needs as a Python number is remembered from the first run: TopK's k, Slice's starts, Pad's pads
#            (_get_python_const). Weights in float16 that lie in int32_data and not in raw_data, as onnx.helper.make_tensor writes them, are
#            bit patterns and are taken for values (_parse_TensorProto). Negative axes of Squeeze and Unsqueeze are taken one by one from the
#            least: -2 and -1 gate rows for channels where there are as many. uint8 ties are rounded by adding 0.4999999 (QuantizeLinear).
#            Query heads that share a key go to it in turns, not in blocks (attention_onnx). Upsample reads Resize's half pixels. An output
#            left out with an empty name becomes the value of each input left out behind it. Relu of NaN is 0. ReduceLogSumExp overflows
#            above 88.
# Who is hit Who runs classifiers on tinygrad's devices: nets of TensorFlow (SAME), squeeze and excitation, grouped attention, quantised nets.
# Seen       what, tinygrad, onnxruntime
#            1x1 convolution, stride 2, SAME_UPPER          [6.0, 8.0, 14.0, 16.0] for [1.0, 3.0, 9.0, 11.0]
#            adding to a constant, first run                as onnxruntime
#            adding to a constant, second run               [2.0, 4.0, 6.0] for [1.0, 2.0, 3.0]
#            top k for k of 1                               as onnxruntime
#            top k for k of 3, then                         [4.0] for [4.0, 3.0, 2.0]
#            float16 in int32_data                          [14336.0, 15360.0, 16384.0] for [0.5, 1.0, 2.0]
#            float16 in raw_data                            as onnxruntime
#            gates a channel, as many rows                  [0.0, 0.0, 3.0, 4.0, 0.0, 0.0, 7.0, 8.0] for [0.0, 0.0, 0.0, 0.0, 5.0, 6.0, 7.0, 8.0]
#            uint8 of 0.5, 1.5, 2.5, 3.5                    [0.0, 1.0, 3.0, 4.0] for [0.0, 2.0, 2.0, 4.0]
#            int8 of 0.5, 1.5, 2.5, 3.5                     as onnxruntime
#            4 heads of queries on 2 of keys                [1.0, 2.0, 1.0, 2.0] for [1.0, 1.0, 2.0, 2.0]
#            Upsample, linear                               [1.0, 1.25, 1.75, 2.0] for [1.0, 1.5, 2.0, 2.0]
#            clip at 2 behind an output left out            [2.0, 2.0, 2.0] for [1.0, 2.0, 2.0]
#            Relu                                           [0.0, 0.0, 1.0] for [nan, 0.0, 1.0]
#            ReduceLogSumExp of 100 and 90                  [inf] for [100.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet tinygrad==0.14.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
DEV=PYTHON CACHEDB="$folder/cache.db" venv/bin/python -W ignore - <<'PYTHON'
import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from tinygrad import Tensor
from tinygrad.nn.onnx import OnnxRunner

float16 = onnx.TensorProto.FLOAT16


def count(*shape):
    return numpy.arange(1, 1 + numpy.prod(shape), dtype=numpy.float32).reshape(shape)


def line(*values):
    return numpy.array(values, numpy.float32)


def compare(title, inputs, nodes, constants={}, opset=17, right=None):
    """For each run of one model: whether tinygrad has onnxruntime's values. A node: operator, inputs, outputs, attributes."""
    runs = inputs if isinstance(inputs, list) else [(title, inputs)]
    kinds = {n: (helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for n, v in runs[0][1].items()}
    graph = helper.make_graph(
        [helper.make_node(operator, i.split(" "), o.split(" "), **attributes) for operator, i, o, attributes in nodes],
        "g",
        [helper.make_tensor_value_info(name, *kind) for name, kind in kinds.items()],
        [helper.make_empty_tensor_value_info("y")],
        [v if isinstance(v, onnx.TensorProto) else numpy_helper.from_array(v, n) for n, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "model.onnx")
    session, runner, answers = onnxruntime.InferenceSession("model.onnx"), OnnxRunner("model.onnx"), []
    for name, feeds in runs:
        expected = session.run(["y"], feeds)[0]
        assert right is None or numpy.array_equal(expected.ravel(), right, equal_nan=True), name
        found = runner({k: Tensor(v) for k, v in feeds.items()})["y"].numpy()
        same = found.shape == expected.shape and numpy.allclose(found, expected, rtol=1e-3, equal_nan=True)
        shown = " for ".join(str([round(float(v), 2) for v in values.ravel()]) for values in (found, expected))
        print(f"{name:47}{'as onnxruntime' if same else shown}")
        answers.append(same)
    return answers


x4, x3 = {"x": count(1, 1, 4, 4)}, {"x": count(3)}
shortcut = ("Conv", "x w", "y", dict(auto_pad="SAME_UPPER", strides=[2, 2]))
weight = {"w": numpy.ones((1, 1, 1, 1), numpy.float32)}
assert compare("1x1 convolution, stride 2, SAME_UPPER", x4, [shortcut], weight, right=[1, 3, 9, 11]) == [False]

scatter = ("ScatterND", "sums at x", "y", dict(reduction="add"))
sums = {"sums": numpy.zeros(3, numpy.float32), "at": numpy.array([[0], [1], [2]])}
runs = [(f"adding to a constant, {which} run", x3) for which in ("first", "second")]
assert compare("", runs, [scatter], sums, right=[1, 2, 3]) == [True, False]
runs = [(title, {"x": count(4), "k": numpy.array([k])}) for title, k in (("top k for k of 1", 1), ("top k for k of 3, then", 3))]
assert compare("", runs, [("TopK", "x k", "y places", {})]) == [True, False]

halves = numpy.array([0.5, 1, 2], numpy.float16)
add, zeros = [("Add", "x b", "y", {})], {"x": numpy.zeros(3, numpy.float16)}
typed = helper.make_tensor("b", float16, [3], halves)
assert len(typed.int32_data) == 3
assert compare("float16 in int32_data", zeros, add, {"b": typed}, right=halves) == [False]
assert compare("float16 in raw_data", zeros, add, {"b": halves}, right=halves) == [True]

gates = [("Unsqueeze", "gate axes", "g", {}), ("Mul", "x g", "y", {})]
last = {"gate": line(0, 1).reshape(1, 2), "axes": numpy.array([-2, -1])}
assert compare("gates a channel, as many rows", {"x": count(1, 2, 2, 2)}, gates, last, right=[0, 0, 0, 0, 5, 6, 7, 8]) == [False]

for kind, same in ((numpy.uint8, False), (numpy.int8, True)):
    quantise, one = [("QuantizeLinear", "x scale zero", "y", {})], {"scale": numpy.float32(1), "zero": kind(0)}
    title = f"{kind.__name__} of 0.5, 1.5, 2.5, 3.5"
    assert compare(title, {"x": count(4) - line(0.5)}, quantise, one, right=[0, 2, 2, 4]) == [same]

heads = {"q": numpy.zeros((1, 4, 1, 1), numpy.float32), "k": numpy.zeros((1, 2, 1, 1), numpy.float32), "v": count(1, 2, 1, 1)}
assert compare("4 heads of queries on 2 of keys", heads, [("Attention", "q k v", "y", {})], opset=23, right=[1, 1, 2, 2]) == [False]
wider = {"scales": line(1, 1, 1, 2)}
up = ("Upsample", "x scales", "y", dict(mode="linear"))
assert compare("Upsample, linear", {"x": count(1, 1, 1, 2)}, [up], wider, opset=9, right=[1, 1.5, 2, 2]) == [False]
skip = [("LayerNormalization", "x ones", "n  d", {}), ("Clip", "x  two", "y", {})]
assert compare("clip at 2 behind an output left out", x3, skip, {"ones": numpy.ones(3, numpy.float32), "two": numpy.float32(2)}) == [False]
assert compare("Relu", {"x": line(numpy.nan, -1, 1)}, [("Relu", "x", "y", {})], right=[numpy.nan, 0, 1]) == [False]
exponents = ("ReduceLogSumExp", "x", "y", dict(keepdims=0))
assert compare("ReduceLogSumExp of 100 and 90", {"x": line(100, 90)}, [exponents]) == [False]
PYTHON
