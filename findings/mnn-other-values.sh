#!/usr/bin/env bash
# MNN: a net that normalises its features answers by who else is in the batch; rows of weights get other rows' scales; and seven operators more.
#
# Versions   MNN 3.6.1 (its converter and its CPU backend, precision high), onnx 1.23.2, onnxruntime 1.32.0
# Guess      What the converter does not know it refuses. The operators of classifiers have the values that onnxruntime and the standard's
#            reference evaluator agree on, of opset 18 as of opset 17.
# What is so Each of the files below is converted without a word, and its values are others. ReduceL2, L1, SumSquare and LogSumExp whose
#            axes are an input, as they are from opset 18 on, reduce over everything, images too. DequantizeLinear of a matrix by rows,
#            as quantised heads have it, scales columns. A normalisation written out (mean, square, root) whose factors are one a channel gets others
#            (in words only: they differ from run to run). A vector as wide as the map has channels is added by channel; PRelu's slopes always are
#            by channel. Pooling that counts padding does not count that on the right. GlobalAveragePool of volumes is right for the first of
#            a batch. Gemm with transA and constant weights gives the transpose. Cubic resizing takes the third pixel for the first. Split of
#            five into two drops the last.
# Who is hit Heads on F.normalize (cosine, metric learning), GRN of ConvNeXt V2, int8 heads, hand-written instance and group norms, PReLU
#            in token layout, video nets in batches. The same graph of opset 17 may be right, so that one image put through both is to be
#            compared after each export. Importing MNN.tools.mnnconvert, moreover, lets pip install a client for logs of use where it is
#            missing, and sends sizes and arguments; here the function below it is called.
# Seen       ReduceL2, opset 17                           as the standard
#            ReduceL2, opset 18                           [9.539] for [3.742, 8.775]
#            two images, each divided by its length       [0.105, 0.21, 0.314] for [0.267, 0.535, 0.802]
#            int8 weights by rows, then Gemm              [10.0, 30.0, 40.0, 80.0] for [10.0, 60.0, 20.0, 80.0]
#            1x1 conv and a vector of its width           [10.0, 10.0, 20.0, 20.0] for [10.0, 20.0, 10.0, 20.0]
#            PRelu, a slope a column                      [-1.0, -2.0, -3.0, -40.0, -50.0, -60.0] for [-1.0, -20.0, -300.0, -4.0, -50.0, -600.0]
#            average that counts padding on the left      as the standard
#            average that counts padding on the right     [1.0, 1.0, 1.0, 1.0] for [1.0, 0.5, 0.5, 0.25]
#            GlobalAveragePool of two volumes             [1.5, 3.5, 2.0, 4.0] for [1.5, 3.5, 5.5, 7.5]
#            Gemm, transA                                 [1.0, 2.0, 3.0, 4.0] for [1.0, 3.0, 2.0, 4.0]
#            cubic, four pixels to eight                  [1.668, 1.191] for [0.895, 1.191]
#            Split of five into two                       4 values for 5
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet MNN==3.6.1 onnx==1.23.2 onnxruntime==1.32.0
venv/bin/python -W ignore - 2>/dev/null <<'PYTHON' | grep -a "^  "
import MNN.expr
import MNN.nn
import _tools
import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

runtime = MNN.nn.create_runtime_manager(({"backend": "CPU", "precision": "high", "numThread": 1},))


def floats(*values):
    return numpy.array(values, numpy.float32)


def count(*shape):
    return numpy.arange(1, 1 + numpy.prod(shape), dtype=numpy.float32).reshape(shape)


def integers(*values):
    return numpy.array(values, numpy.int64)


def compare(title, x, nodes, constants, outputs=("y",), opset=17, show=slice(None)):
    """Whether MNN has the values that onnxruntime and the standard's reference have."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "net.onnx")
    right = numpy.concatenate([v.ravel() for v in onnxruntime.InferenceSession("net.onnx").run(None, {"x": x})])
    reference = numpy.concatenate([v.ravel() for v in ReferenceEvaluator(model).run(None, {"x": x})])
    assert numpy.allclose(right, reference, atol=1e-5), title
    arguments = ["-f", "ONNX", "--modelFile", "net.onnx", "--MNNModel", "net.mnn", "--bizCode", "x"]
    _tools.mnnconvert(["mnnconvert", *arguments])
    net = MNN.nn.load_module_from_file("net.mnn", ["x"], list(outputs), runtime_manager=runtime)
    given = net.forward([MNN.expr.const(x, list(x.shape), MNN.expr.NCHW, MNN.expr.float)])
    found = numpy.concatenate(
        [
            numpy.array((MNN.expr.convert(v, MNN.expr.NCHW) if v.data_format == MNN.expr.NC4HW4 else v).read()).ravel()
            for v in (given if isinstance(given, (list, tuple)) else [given])
        ]
    )
    same = found.shape == right.shape and numpy.allclose(found, right, atol=1e-3)
    if same:
        said = "as the standard"
    elif found.shape != right.shape and found.size > 2:
        said = f"{found.size} values for {right.size}"
    else:
        said = " for ".join(str([round(float(v), 3) for v in values[show]]) for values in (found, right))
    print(f"  {title:45}{said}", flush=True)
    return same


node = helper.make_node
reduce = {"axes": integers(1)}
assert compare("ReduceL2, opset 17", count(2, 3), [node("ReduceL2", ["x"], ["y"], axes=[1])], {})
assert not compare("ReduceL2, opset 18", count(2, 3), [node("ReduceL2", ["x", "axes"], ["y"])], reduce, opset=18)
assert not compare(
    "two images, each divided by its length",
    count(2, 3),
    [node("ReduceL2", ["x", "axes"], ["n"]), node("Div", ["x", "n"], ["y"])],
    reduce,
    opset=18,
    show=slice(3),
)
assert not compare(
    "int8 weights by rows, then Gemm",
    numpy.eye(2, dtype=numpy.float32),
    [node("DequantizeLinear", ["w", "s", "z"], ["d"], axis=0), node("Gemm", ["x", "d"], ["y"], transB=1)],
    {"w": numpy.array([[10, 20], [30, 40]], numpy.int8), "s": floats(1, 2), "z": numpy.zeros(2, numpy.int8)},
    opset=19,
)
conv = node("Conv", ["x", "w"], ["c"], kernel_shape=[1, 1])
zeros = numpy.zeros((2, 2, 1, 1), numpy.float32)
assert not compare(
    "1x1 conv and a vector of its width",
    count(1, 2, 1, 2),
    [conv, node("Add", ["c", "b"], ["y"])],
    {"w": zeros, "b": floats(10, 20)},
)
assert compare(
    "the same, of another width",
    count(1, 2, 1, 3),
    [conv, node("Add", ["c", "b"], ["y"])],
    {"w": zeros, "b": floats(10, 20, 30)},
)
assert not compare(
    "PRelu, a slope a column", -count(1, 2, 3), [node("PRelu", ["x", "s"], ["y"])], {"s": floats(1, 10, 100)}
)
ones = numpy.ones((1, 1, 3, 3), numpy.float32)
pool = dict(kernel_shape=[2, 2], strides=[2, 2], count_include_pad=1)
for side, pads, right in (("left", [1, 1, 0, 0], True), ("right", [0, 0, 1, 1], False)):
    title = f"average that counts padding on the {side}"
    assert compare(title, ones, [node("AveragePool", ["x"], ["y"], pads=pads, **pool)], {}) == right
assert not compare("GlobalAveragePool of two volumes", count(2, 2, 1, 1, 2), [node("GlobalAveragePool", ["x"], ["y"])], {})
assert not compare(
    "Gemm, transA", count(2, 2), [node("Gemm", ["x", "w"], ["y"], transA=1)], {"w": numpy.eye(2, dtype=numpy.float32)}
)
assert not compare(
    "cubic, four pixels to eight",
    count(1, 1, 1, 4),
    [node("Resize", ["x", "", "", "sizes"], ["y"], mode="cubic", coordinate_transformation_mode="half_pixel")],
    {"sizes": integers(1, 1, 1, 8)},
    show=slice(2),
)
assert not compare(
    "Split of five into two",
    count(1, 5),
    [node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2)],
    {},
    outputs=("a", "b"),
    opset=18,
)
PYTHON
