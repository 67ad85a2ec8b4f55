#!/usr/bin/env bash
# onnxscript's optimiser, which PyTorch's exporter runs: + 1e-8 is dropped and the logarithm infinite, ScatterND forgets to add, halves of 7 are cut elsewhere.
#
# Versions   onnxscript 0.7.2, onnx-ir 1.1.0, onnx 1.23.2; run with onnxruntime 1.32.0, its own optimisations off
# Guess      The default optimisation of a file, and so the default of torch.onnx.export, changes no value by more than rounding.
# What is so A scalar that is 0 to within 1e-8 counts as 0, and its addition is left out: log(x + 1e-8) of 0 is minus infinity, features of zeros divided by their
#            length + 1e-8 are NaN; with 1e-7, or a constant of one element instead of none, all is right. ScatterND onto all rows is its updates, whatever
#            its reduction. Slices that end and begin at half of the last axis become a Split by num_outputs, whose first part is the larger: of 7
#            the fourth element changes sides (only where the file has the upper half first, as a rotation of halves has); before set 18 the file
#            no longer loads. Of two clips the bounds are joined even when they do not meet, and a Clip cuts at its upper one then: to 0..6 and then
#            to 8..10 is 6, and a Relu answers -1. Zeros put on before a ConvInteger become its padding, which has its zero point.
#            A BatchNormalization in training_mode after a Conv is folded by its old mean and variance. Constants are
#            folded with ONNX's reference evaluator: a constant's LogSoftmax, LRN, LpNormalization of p=1, Softmax of opset 11, padded or dilated
#            MaxPool get its values, which onnx-reference-is-wrong is about.
# Cause      rewriter/_pattern_ir.py, Constant: abs_tol=1e-8, with add_0 and sub_0 of rules/common/_no_op.py; _redundant_scatter_nd.py, ScatterAllStatic;
#            _basic_rules.py, SlicesSplit.check: last_dim // 2; _fuse_relus_clips.py; _fuse_pad_into_conv.py, FuseConvIntegerPad; _fuse_batchnorm.py;
#            optimizer/_constant_folding.py.
# Who is hit Everyone who exports with torch.onnx.export, whose optimize=True is this optimiser (seen there with torch 2.15.0: log(x + 1e-8), x / (x.norm() + 1e-8),
#            two clamps, index_put with accumulate; right with optimize=False): losses and entropies, normalised features, GRN.
# Seen       what, the optimised file's values, the file's
#            log(x + 1e-8) of 0 and 0.5             -inf -0.6931                      -18.42 -0.6931
#            log(x + 1e-7) of 0 and 0.5             the same
#            log(x + [1e-8]) of 0 and 0.5           the same
#            0 0 by its length + 1e-8               nan nan                           0 0
#            log(x - -1e-10) of 0                   -inf                              -23.03
#            5 added to rows of 1                   5 5 5 5                           6 6 6 6
#            the larger of -5 and rows of 1         -5 -5 -5 -5                       1 1 1 1
#            0 to 6, upper half from 3, negated     -4 -5 -6 0 1 2 3                  -3 -4 -5 -6 0 1 2
#            0 to 5, upper half from 3, negated     the same
#            the same of set 17                     does not load                     -3 -4 -5 0 1 2
#            9 within 0..6, then within 8..10       6                                 8
#            9 within 0..6, then within 2..10       the same
#            relu of 9 within -3..-1                -1                                0
#            sum of 100-77 and eight raw zeros      23                                -593
#            sum of 100 and eight zeros             the same
#            4 and 6 normed by their batch          -0.4472 0.4472                    -1 1
#            4 and 6 normed by the file's numbers   the same
#            log softmax of constants 200 and 0     0 -inf                            0 -200
#            softmax of a constant 1x2x1, set 11    1 1                               0.2689 0.7311
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnxscript==0.7.2 onnx-ir==1.1.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >compare.py <<'PYTHON'
import logging

import numpy as np
import onnx
import onnxruntime
import onnxscript.optimizer
from onnx import helper, numpy_helper

logging.disable(logging.WARNING)
one = np.float32


def whole(*values):
    return np.array(values, np.int64)


def line(*values):
    return np.array(values, np.float32)


def run(model, x):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(["y"], {"x": x})[0]


def write(values):
    return " ".join(f"{float(v) + 0:.4g}" for v in np.ravel(values))


def compare(title, x, right, nodes, constants={}, same=False, opset=18, outputs=()):
    """Nodes: operator, inputs, outputs, attributes. What is right was reckoned by hand; the file must have it, the optimised file if same."""
    graph = helper.make_graph(
        [helper.make_node(operator, i.split(), o.split(), **attributes) for operator, i, o, attributes in nodes], "g",
        [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)],
        [helper.make_empty_tensor_value_info(name) for name in ("y", *outputs)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    onnx.checker.check_model(model, full_check=True)
    expected = run(model, x)
    np.testing.assert_allclose(np.ravel(expected), right, rtol=1e-3, atol=1e-6)
    try:
        found = run(onnxscript.optimizer.optimize(model), x)
    except Exception as error:
        assert "num_outputs" in str(error), error
        found = None
    if found is not None and found.shape == expected.shape and np.allclose(found, expected, rtol=1e-3, equal_nan=True):
        print(f"{title:39}the same")
        assert same, title
        return None
    print(f"{title:39}{'does not load' if found is None else write(found):34}{write(expected)}")
    assert not same, title
    return found


def is_now(found, *values):
    np.testing.assert_allclose(np.ravel(found), values, rtol=1e-3)


tiny = [("Add", "x e", "c", {}), ("Log", "c", "y", {})]
is_now(compare("log(x + 1e-8) of 0 and 0.5", line(0, .5), np.log([1e-8, .5]), tiny, {"e": one(1e-8)}), -np.inf, np.log(.5))
compare("log(x + 1e-7) of 0 and 0.5", line(0, .5), np.log([1e-7, .5]), tiny, {"e": one(1e-7)}, same=True)
compare("log(x + [1e-8]) of 0 and 0.5", line(0, .5), np.log([1e-8, .5]), tiny, {"e": line(1e-8)}, same=True)
found = compare("0 0 by its length + 1e-8", line(0, 0)[None], [0, 0],
                [("ReduceL2", "x a", "l", {}), ("Add", "l e", "d", {}), ("Div", "x d", "y", {})], {"a": whole(1), "e": one(1e-8)})
is_now(found, np.nan, np.nan)
is_now(compare("log(x - -1e-10) of 0", line(0), np.log([1e-10]), [("Sub", "x e", "c", {}), ("Log", "c", "y", {})], {"e": one(-1e-10)}), -np.inf)

for title, reduction, update, right in (("5 added to rows of 1", "add", 5, 6), ("the larger of -5 and rows of 1", "max", -5, 1)):
    found = compare(title, np.ones((2, 2), one), [right] * 4, [("ScatterND", "x i u", "y", {"reduction": reduction})],
                    {"i": whole(0, 1)[:, None], "u": np.full((2, 2), update, one)})
    is_now(found, *[update] * 4)

turn = [("Slice", "x half end last", "b", {}), ("Neg", "b", "n", {}), ("Slice", "x zero half last", "a", {}), ("Concat", "n a", "y", {"axis": 1})]
for title, n, opset, same in (("0 to 6, upper half from 3, negated", 7, 18, False), ("0 to 5, upper half from 3, negated", 6, 18, True),
                              ("the same of set 17", 6, 17, False)):
    x = np.arange(n, dtype=one)
    found = compare(title, x[None], np.concatenate([-x[3:], x[:3]]), turn,
                    {"zero": whole(0), "half": whole(3), "end": whole(n), "last": whole(1)}, same, opset)
    if n == 7:
        is_now(found, -4, -5, -6, 0, 1, 2, 3)
    elif not same:
        assert found is None

clips = [("Clip", "x a b", "c", {}), ("Clip", "c d e", "y", {})]
is_now(compare("9 within 0..6, then within 8..10", line(9), [8], clips, {"a": one(0), "b": one(6), "d": one(8), "e": one(10)}), 6)
compare("9 within 0..6, then within 2..10", line(9), [6], clips, {"a": one(0), "b": one(6), "d": one(2), "e": one(10)}, same=True)
is_now(compare("relu of 9 within -3..-1", line(9), [0], [("Clip", "x a b", "c", {}), ("Relu", "c", "y", {})], {"a": one(-3), "b": one(-1)}), -1)

byte = np.array([[[[100]]]], np.uint8)
whole_sum = [("Pad", "x p", "q", {}), ("ConvInteger", "q w z", "y", {})]
window = {"p": whole(0, 0, 1, 1, 0, 0, 1, 1), "w": np.ones((1, 1, 3, 3), np.uint8)}
is_now(compare("sum of 100-77 and eight raw zeros", byte, [23 - 8 * 77], whole_sum, {**window, "z": np.uint8(77)}), 23)
compare("sum of 100 and eight zeros", byte, [100], whole_sum, {**window, "z": np.uint8(0)}, same=True)

norm = {"w": np.ones((1, 1, 1, 1), one), "s": line(1), "b": line(0), "m": line(5), "v": line(5)}
images = line(4, 6).reshape(2, 1, 1, 1)
for training, title, right in ((1, "4 and 6 normed by their batch", [-1, 1]), (0, "4 and 6 normed by the file's numbers", [-.4472, .4472])):
    more = ("m2", "v2") if training else ()
    found = compare(title, images, right, [("Conv", "x w", "c", {}),
                    ("BatchNormalization", "c s b m v", " ".join(("y", *more)), {"training_mode": training})], norm, same=not training)
    if training:
        is_now(found, -.4472, .4472)

found = compare("log softmax of constants 200 and 0", line(0, 0)[None], [0, -200], [("LogSoftmax", "k", "l", {}), ("Add", "l x", "y", {})],
                {"k": line(200, 0)[None]})
is_now(found, 0, -np.inf)
e = np.exp([1, 2])
found = compare("softmax of a constant 1x2x1, set 11", np.zeros((1, 2, 1), one), e / e.sum(), [("Softmax", "k", "s", {}), ("Add", "s x", "y", {})],
                {"k": line(1, 2).reshape(1, 2, 1)}, opset=11)
is_now(found, 1, 1)
PYTHON
venv/bin/python -W ignore compare.py
