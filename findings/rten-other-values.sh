#!/usr/bin/env bash
# rten: softmax of old files is one for every class, of two equal scores the last wins, a bicubic resize is bilinear, SAME_LOWER pads as SAME_UPPER.
#
# Versions   rten 0.27.0, rten-tensor 0.27.0; beside it onnxruntime 1.32.0
# Guess      A file that rten loads without a word is computed as ONNX has it; what it cannot do it refuses, as it does with LRN or antialias.
# What is so Softmax and LogSoftmax before operator set 13 take the default axis -1 and one axis only: over the maps of N x C x 1 x 1 that end a
#            SqueezeNet each class has 1. ArgMax and ArgMin answer the last of equal values, where ONNX has the first. Resize cubic is linear.
#            auto_pad SAME_LOWER puts the odd pixel at the end. A cast to bool keeps numbers: 2 stays 2 and 0.5 becomes 0. The sign of 0
#            is 1. Relu and Clip make a number of NaN. Softplus of 100 is infinite.
# Cause      op_registry/onnx_registry.rs: Softmax reads no operator set, get_padding has one case for both SAME, Resize maps cubic to linear (its comment
#            says so, the loader does not); bool is read as int32. ops/reduce.rs takes Iterator::max_by, which answers the last of
#            equals. ops/unary_elementwise.rs: Relu is f32::max, Softplus ln(1 + exp(x)), Sign f32::signum.
# Who is hit Whoever serves a classifier in Rust: exports of operator set 7 to 12, few-bit scores with ties, upsampling nets, masked means, nets
#            of signs; and a net that went to NaN answers finite scores.
# Seen       what, what rten has, what onnxruntime has
#            softmax of 1 2 3 over channels, set 11          1 1 1                                    0.09003 0.2447 0.6652
#            argmax of 1 3 3 0                               2                                        1
#            argmin of 1 3 0 0                               3                                        2
#            cubic resize of 0 0 1 0 0 by two                0 0 0 0.25 0.75 0.75 0.25 0 0 0          0 -0.03516 -0.1055 0.2617 0.8789 0.8789 0.2617 -0.1055 -0.03516 0
#            max pool 3 by 2 SAME_LOWER of 1 to 4            3 4                                      2 4
#            0 2 -3 0.5 as bool                              0 2 -3 0                                 0 1 1 1
#            sign of -2 0 2                                  -1 1 1                                   -1 0 1
#            relu of NaN and 1                               0 1                                      nan 1
#            softplus of 1 and 100                           1.313 inf                                1.313 100
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
mkdir -p one/src
cat >one/Cargo.toml <<'TOML'
[package]
name = "one"
version = "0.1.0"
edition = "2021"
[dependencies]
rten = "=0.27.0"
rten-tensor = "=0.27.0"
[profile.dev]
debug = 0
TOML
# Arguments: a file, the input's shape, the input's values; prints the output's values.
cat >one/src/main.rs <<'RUST'
use rten::{Model, Value};
use rten_tensor::prelude::*;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let shape: Vec<usize> = arguments[2].split(',').map(|n| n.parse().unwrap()).collect();
    let data: Vec<f32> = arguments[3].split(',').map(|n| n.parse().unwrap()).collect();
    let model = Model::load_file(&arguments[1]).unwrap();
    let input = Value::from_shape(&shape, data).unwrap();
    let found: Vec<f32> = match model.run_one(input.into(), None).unwrap() {
        Value::FloatTensor(t) => t.to_vec(),
        Value::Int32Tensor(t) => t.to_vec().iter().map(|&n| n as f32).collect(),
        _ => panic!(),
    };
    println!("{}", found.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(","));
}
RUST
cargo build --quiet --manifest-path one/Cargo.toml
cat >compare.py <<'PYTHON'
import subprocess

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def differ(title, shape, values, nodes, opset=17, right=None, kind=TensorProto.FLOAT, **constants):
    """Nodes as (operator, inputs, output, attributes) that lead from x to y."""
    graph = helper.make_graph(
        [helper.make_node(op, names, [out], **attributes) for op, names, out, attributes in nodes], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", kind, [None] * len(shape))],
        [numpy_helper.from_array(value, name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "m.onnx")
    session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
    beside = session.run(None, {"x": np.array(values, np.float32).reshape(shape)})[0].ravel()
    np.testing.assert_allclose(beside, right, rtol=1e-3, atol=1e-3)  # what was reckoned by hand
    said = subprocess.run(["one/target/debug/one", "m.onnx", ",".join(map(str, shape)), ",".join(map(str, values))],
                          capture_output=True, text=True, check=True).stdout
    found = np.array(said.split(","), np.float32)
    write = lambda numbers: " ".join(f"{n:.4g}" for n in numbers)
    print(f"{title:<48}{write(found):<41}{write(beside)}")
    assert not np.allclose(found, beside, rtol=1e-3, atol=1e-3, equal_nan=True), title


e = np.exp([1, 2, 3])
differ("softmax of 1 2 3 over channels, set 11", [1, 3, 1, 1], [1, 2, 3], [("Softmax", ["x"], "y", {})], 11, e / e.sum())
differ("argmax of 1 3 3 0", [1, 4], [1, 3, 3, 0], [("ArgMax", ["x"], "y", {"axis": 1})], right=[1], kind=TensorProto.INT64)
differ("argmin of 1 3 0 0", [1, 4], [1, 3, 0, 0], [("ArgMin", ["x"], "y", {"axis": 1})], right=[2], kind=TensorProto.INT64)
# Keys' kernel with a = -0.75 at distances of 1/4, 3/4, 5/4 and 7/4; borders are repeated.
cubic = [0, -0.03516, -0.1055, 0.2617, 0.8789, 0.8789, 0.2617, -0.1055, -0.03516, 0]
differ("cubic resize of 0 0 1 0 0 by two", [1, 1, 1, 5], [0, 0, 1, 0, 0], [("Resize", ["x", "", "by"], "y", {"mode": "cubic"})],
       right=cubic, by=np.array([1, 1, 1, 2], np.float32))
differ("max pool 3 by 2 SAME_LOWER of 1 to 4", [1, 1, 4], [1, 2, 3, 4],
       [("MaxPool", ["x"], "y", {"kernel_shape": [3], "strides": [2], "auto_pad": "SAME_LOWER"})], right=[2, 4])
differ("0 2 -3 0.5 as bool", [4], [0, 2, -3, 0.5],
       [("Cast", ["x"], "b", {"to": TensorProto.BOOL}), ("Cast", ["b"], "y", {"to": TensorProto.FLOAT})], right=[0, 1, 1, 1])
differ("sign of -2 0 2", [3], [-2, 0, 2], [("Sign", ["x"], "y", {})], right=[-1, 0, 1])
differ("relu of NaN and 1", [2], [np.nan, 1], [("Relu", ["x"], "y", {})], right=[np.nan, 1])
differ("softplus of 1 and 100", [2], [1, 100], [("Softplus", ["x"], "y", {})], right=[1.3133, 100])
PYTHON
venv/bin/python compare.py
