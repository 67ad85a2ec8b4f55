#!/usr/bin/env bash
# TensorFlow's gradient of a bias in bfloat16 stands still: 65536 ones sum to 512.
#
# Versions   tensorflow-cpu 2.21.0 with keras 3.15.1 (some 300 MB), CPU
# Guess      A kernel that takes bfloat16 sums in float32 and rounds once, as reduce_sum does: eight bits of precision,
#            of any number of values.
# What is so BiasAddGrad, the gradient of a bias_add, rounds as it goes: 256 and 1 is 256 again. Of 4096 ones, the
#            pixels of 4 images of 32 x 32, it makes 256, of 65536 it makes 512, with oneDNN or without. Without oneDNN
#            (TF_ENABLE_ONEDNN_OPTS=0) a depthwise filter's gradient is a quarter of what it should be, and a
#            filter's a tenth too small at 65536.
# Who is hit Training with bfloat16 on CPUs: a bias whose gradient's terms have one sign gets too little of it, the less
#            the larger batch and image, and no number looks broken.
# Seen       oneDNN {'BiasAddGrad': 256, 'depthwise filter gradient': 4096, 'filter gradient': 4096, 'reduce_sum': 4096, 'right': 4096}
#            oneDNN {'BiasAddGrad': 512, 'depthwise filter gradient': 65536, 'filter gradient': 65536, 'reduce_sum': 65536, 'right': 65536}
#            Eigen  {'BiasAddGrad': 256, 'depthwise filter gradient': 1024, 'filter gradient': 4096, 'reduce_sum': 4096, 'right': 4096}
#            Eigen  {'BiasAddGrad': 512, 'depthwise filter gradient': 16384, 'filter gradient': 59136, 'reduce_sum': 65536, 'right': 65536}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet tensorflow-cpu==2.21.0 keras==3.15.1
cat >sums.py <<'PYTHON'
import os

import tensorflow as tf


def found(images):
    """Sums of ones by kernel, and what is right."""
    x = tf.ones((images, 32, 32, 8), tf.bfloat16)
    attributes = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    conv = tf.raw_ops.Conv2DBackpropFilter(input=x, filter_sizes=[3, 3, 8, 8], out_backprop=x, **attributes)
    depthwise = tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
        input=x, filter_sizes=[3, 3, 8, 1], out_backprop=x, **attributes
    )
    sums = {
        "BiasAddGrad": tf.raw_ops.BiasAddGrad(out_backprop=x)[0],
        "depthwise filter gradient": depthwise[1, 1, 0, 0],
        "filter gradient": conv[1, 1, 0, 0],
        "reduce_sum": tf.reduce_sum(x, [0, 1, 2])[0],
    }
    return {name: int(value) for name, value in sums.items()} | {"right": images * 1024}


for images in (4, 64):
    sums = found(images)
    print("oneDNN" if os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1" else "Eigen ", sums)
assert sums["reduce_sum"] == sums["right"], "reduce_sum is wrong now"
assert sums["BiasAddGrad"] < sums["right"] / 2, "BiasAddGrad is right now"
PYTHON
for onednn in 1 0; do
  TF_ENABLE_ONEDNN_OPTS=$onednn TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python sums.py 2>error.txt || {
    cat error.txt >&2
    exit 1
  }
done
