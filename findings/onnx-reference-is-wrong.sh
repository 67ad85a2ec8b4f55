#!/usr/bin/env bash
# ONNX's own reference evaluator is wrong for pools with ceil_mode, LRN, LpNormalization with p=1, and near NaN.
#
# Versions   onnx 1.23.2 (onnx.reference.ReferenceEvaluator), onnxruntime 1.32.0, numpy 2.4.6
# Guess      Where a runtime and the reference differ the runtime is at fault; the reference is what one checks by.
# What is so For each of these the reference is at fault, as the specification's text and a sum by hand show:
#            - AveragePool 3x3, stride 3, ceil_mode, no padding: its windows begin before the image, so that the
#              first mean of a ramp 0..55 is 5 and not 9;
#            - MaxPool 2x2, stride 1, padding 1, ceil_mode: [10, 11] for [8, 9], the rest filled with 0;
#            - MaxPool 3x3 with padding 0 above, 1 left, 2 below, 1 right: 6 x 9 where it is 7 x 8;
#            - LRN sums the squares of as many channels as the batch has images: of one image all but the first
#              channel is divided by the bias alone;
#            - LpNormalization p=1 divides by the sum and not by the sum of absolute values (1 -2 0.5 0.5: all 0);
#            - AveragePool takes NaN for padding and gives the mean of the others;
#            - LogSoftmax takes the logarithm of the softmax: -inf for a logit 1e4 below the largest.
# Who is hit Who writes an exporter, an optimiser or gradients and takes the reference for the truth in tests.
# Seen       AveragePool ceil, first mean:      reference 5.0, onnxruntime 9.0, by hand 9.0
#            MaxPool padded, ceil:              reference (1, 1, 10, 11), onnxruntime (1, 1, 8, 9)
#            MaxPool, uneven padding:           reference (1, 1, 6, 9), onnxruntime (1, 1, 7, 8)
#            LRN of 1 2 3 4, size 3:            reference [0.375 2.    3.    4.   ], onnxruntime [0.375 0.353 0.281 0.429]
#            LpNormalization p=1:               reference [0. 0. 0. 0.], onnxruntime [ 0.25  -0.5    0.125  0.125]
#            AveragePool of 1 NaN 2 3:          reference 2.0, onnxruntime nan
#            LogSoftmax of 10000 0:             reference [  0. -inf], onnxruntime [     0. -10000.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def both(operator, x, **attributes):
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], **attributes)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    ort = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    return ReferenceEvaluator(model).run(None, {"x": x})[0], ort


ramp = np.arange(56, dtype=np.float32).reshape(1, 1, 7, 8)
ceil, ceil_ort = (v.ravel()[0] for v in both("AveragePool", ramp, kernel_shape=[3, 3], strides=[3, 3], ceil_mode=1))
by_hand = ramp[0, 0, :3, :3].mean()
print(f"AveragePool ceil, first mean:      reference {ceil}, onnxruntime {ceil_ort}, by hand {by_hand}")
pool, pool_ort = (v.shape for v in both("MaxPool", ramp, kernel_shape=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1))
print(f"MaxPool padded, ceil:              reference {pool}, onnxruntime {pool_ort}")
uneven, uneven_ort = (v.shape for v in both("MaxPool", ramp, kernel_shape=[3, 3], pads=[0, 1, 2, 1]))
print(f"MaxPool, uneven padding:           reference {uneven}, onnxruntime {uneven_ort}")
channels = np.array([1, 2, 3, 4], np.float32).reshape(1, 4, 1, 1)
lrn, lrn_ort = (v.ravel().round(3) for v in both("LRN", channels, size=3, alpha=1.0, beta=1.0, bias=1.0))
print(f"LRN of 1 2 3 4, size 3:            reference {lrn}, onnxruntime {lrn_ort}")
row = np.array([[1, -2, 0.5, 0.5]], np.float32)
norm, norm_ort = (v[0] for v in both("LpNormalization", row, p=1))
print(f"LpNormalization p=1:               reference {norm}, onnxruntime {norm_ort}")
hole = np.array([1, np.nan, 2, 3], np.float32).reshape(1, 1, 2, 2)
mean, mean_ort = (v.ravel()[0] for v in both("AveragePool", hole, kernel_shape=[2, 2]))
print(f"AveragePool of 1 NaN 2 3:          reference {mean}, onnxruntime {mean_ort}")
log, log_ort = (v[0] for v in both("LogSoftmax", np.array([[1e4, 0]], np.float32)))
print(f"LogSoftmax of 10000 0:             reference {log}, onnxruntime {log_ort}")
assert ceil != by_hand and ceil_ort == by_hand, "the reference's AveragePool is right now"
assert pool != pool_ort, "the reference's MaxPool is right now"
assert uneven != uneven_ort == (1, 1, 7, 8), "the reference's MaxPool pads rightly now"
# Of the last channel: 4 / (1 + (3^2 + 4^2) / 3)
assert abs(lrn_ort[3] - 4 / (1 + 25 / 3)) < 1e-3 and abs(lrn[3] - lrn_ort[3]) > 1, "the reference's LRN is right now"
assert np.abs(norm_ort).sum() == 1 and np.abs(norm).sum() != 1, "the reference's LpNormalization is right now"
assert not np.isnan(mean) and np.isnan(mean_ort), "the reference's AveragePool hands NaN on now"
assert np.isinf(log[1]) and log_ort[1] == -1e4, "the reference's LogSoftmax is right now"
PYTHON
