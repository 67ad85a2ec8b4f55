#!/usr/bin/env bash
# pnnx, ncnn's converter: pools of auto_pad SAME are padded by half the window on both sides, whatever the size, and averages count the padding.
#
# Versions   pnnx 20261020, ncnn 1.0.20261020; beside them onnxruntime 1.32.0
# Guess      SAME of a pool is what SAME of a Conv is: as much padding as the size needs, the odd pixel at the end; an average leaves padding out.
# What is so pnnx writes a Padding layer of fixed widths and a Pooling without padding. MaxPool 3 by 2 SAME_UPPER over an even size, as nets
#            from TensorFlow have it, needs none in front and one behind: it gets one on each side, and every window is a pixel off. The
#            Padding of an AveragePool is of zeros, which the mean then counts, though count_include_pad is not set.
# Cause      Seen in the .ncnn.param that pnnx writes (Padding before Pooling, 0=1 1=1 2=1 3=1 for a window of 3); ncnn computes what stands there.
# Who is hit Whoever brings a Keras or TensorFlow classifier by ONNX to a phone: ResNets, Inceptions and NASNets pool with SAME.
# Seen       what, what ncnn has, what onnxruntime has
#            max pool 3 by 2 SAME_UPPER of 1 to 16           6 8 14 16                   11 12 15 16
#            average pool 3 by 2 SAME_UPPER of 1 to 16       1.556 3.333 6.333 11        6 7.5 12 13.5
#            average pool 3 by 1 SAME_UPPER of four ones     0.4444 0.4444 0.4444 0.4444 1 1 1 1
#            max pool 2 by 2 SAME_LOWER of 1 to 16           1 3 9 11                    6 8 14 16
#            convolution 3 by 2 SAME_UPPER, the same         54 45 72 54                 54 45 72 54
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 ncnn==1.0.20261020
venv/bin/pip install --quiet --disable-pip-version-check --no-deps pnnx==20261020 # its program needs no torch
cat >compare.py <<'PYTHON'
import importlib.util
import subprocess

import ncnn
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

PNNX = importlib.util.find_spec("pnnx").submodule_search_locations[0] + "/pnnx"


def compare(title, op, x, right, same=False, weights=None, **attributes):
    x = np.array(x, np.float32)
    weights = [] if weights is None else [numpy_helper.from_array(weights, "w")]
    graph = helper.make_graph(
        [helper.make_node(op, ["x"] + ["w"] * len(weights), ["y"], **attributes)], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 4)], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "m.onnx")
    beside = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"]).run(None, {"x": x})[0].ravel()
    np.testing.assert_allclose(beside, right, rtol=1e-3)  # what was reckoned by hand
    shape = ",".join(map(str, x.shape))
    subprocess.run([PNNX, "m.onnx", f"inputshape=[{shape}]f32", "fp16=0"], check=True, capture_output=True)
    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.load_param("m.ncnn.param")
    net.load_model("m.ncnn.bin")
    extractor = net.create_extractor()
    extractor.input("in0", ncnn.Mat(x[0]).clone())
    found = np.array(extractor.extract("out0")[1]).ravel()
    write = lambda numbers: " ".join(f"{n:.4g}" for n in numbers)
    print(f"{title:<48}{write(found):<28}{write(beside)}")
    assert np.allclose(found, beside, rtol=1e-3) == same, title


square = np.arange(1, 17).reshape(1, 1, 4, 4)
upper = dict(kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
lower = dict(kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_LOWER")
compare("max pool 3 by 2 SAME_UPPER of 1 to 16", "MaxPool", square, [11, 12, 15, 16], **upper)
compare("average pool 3 by 2 SAME_UPPER of 1 to 16", "AveragePool", square, [6, 7.5, 12, 13.5], **upper)
compare("average pool 3 by 1 SAME_UPPER of four ones", "AveragePool", np.ones((1, 1, 2, 2)), [1, 1, 1, 1],
        kernel_shape=[3, 3], auto_pad="SAME_UPPER")
compare("max pool 2 by 2 SAME_LOWER of 1 to 16", "MaxPool", square, [6, 8, 14, 16], **lower)
compare("convolution 3 by 2 SAME_UPPER, the same", "Conv", square, [54, 45, 72, 54], same=True,
        weights=np.ones((1, 1, 3, 3), np.float32), **upper)
PYTHON
venv/bin/python compare.py
