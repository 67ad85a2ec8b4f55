#!/usr/bin/env bash
# candle-onnx: a mean over a map is one over the whole batch, ReLU6 of old files does nothing, a pool's ceil_mode is dropped: form by operator set.
#
# Versions   candle-onnx 0.11.1, candle-core 0.11.1; beside it onnxruntime 1.32.0
# Guess      An operator that the evaluator knows it knows in each form the file's operator set has, or it refuses.
# What is so It never reads the operator set and knows one form of each. ReduceMean takes its axes from the attribute: those of set 18, an input, it does not
#            see, and it means over all, batch and channels too; with keepdims the one number then broadcasts wherever the map's means were
#            due. ReduceSum and ReduceL2 are the other way: they see no attribute of set 11 to 17, and features are normalised by the
#            length of the batch. Clip of set 6 to 10 has its bounds as attributes, and nothing is cut. Softmax without axis before set 13 is
#            over the last axis: over maps of N x C x 1 x 1 each class has 1. ceil_mode of pools is not read, and
#            without strides they step by the window, not by 1. Of a Split by num_outputs the last part is the largest, not the smallest.
#            Unsqueeze of several negative axes puts them elsewhere.
# Cause      src/eval.rs, simple_eval_: the arms ReduceMean, ReduceSum, ReduceL2, Clip, Softmax, MaxPool and AveragePool, Split, Unsqueeze.
# Who is hit Whoever runs a classifier in Rust: PyTorch's exporter writes set 18 with ReduceMean for x.mean([2, 3]) and squeeze-and-excite, MobileNets of
#            set 7 to 10 have Clip, GoogLeNet and SqueezeNet have pools with ceil_mode.
# Seen       what, what candle has, what onnxruntime has
#            maps less their mean, set 18                    -13.5 -11.5 -9.5 -7.5 -4.5 5.5 15.5 25.5 (2x2x1x2)  -1 1 -1 1 -5 5 -5 5 (2x2x1x2)
#            3 4 and 30 40 by their length, set 17           0.0597 0.0796 0.597 0.796 (2x2)                     0.6 0.8 0.6 0.8 (2x2)
#            -1 3 9 by Clip 0 to 6, set 10                   -1 3 9 (1x3)                                        0 3 6 (1x3)
#            softmax of 1 2 3 over channels, set 11          1 1 1 (1x3x1x1)                                     0.09003 0.2447 0.6652 (1x3x1x1)
#            mean of max pool 2 with ceil_mode of 3 pixels   2 (1x1x1x1)                                         2.5 (1x1x1x1)
#            max pool 2 without strides of 1 to 4            2 4 (1x1x2x1)                                       2 3 4 (1x1x3x1)
#            first of two parts of 1 2 3, set 18             1 (1x1)                                             1 2 (1x2)
#            gates 2 3 a channel on maps of 1                2 2 3 3 2 2 3 3 (1x2x2x2)                           2 2 2 2 3 3 3 3 (1x2x2x2)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 grpcio-tools==1.85.1
# The crate's build wants a protoc; this one is Python's.
printf '#!/bin/sh\nexec "%s/venv/bin/python" -m grpc_tools.protoc "$@"\n' "$folder" >protoc
chmod +x protoc
mkdir -p one/src
cat >one/Cargo.toml <<'TOML'
[package]
name = "one"
version = "0.1.0"
edition = "2021"
[dependencies]
candle-core = "=0.11.1"
candle-onnx = "=0.11.1"
[profile.dev]
debug = 0
TOML
# Arguments: a file, the input's shape, the input's values; prints the first output's shape and values.
cat >one/src/main.rs <<'RUST'
use candle_core::{DType, Device, Tensor};

fn main() -> candle_core::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let shape: Vec<usize> = arguments[2].split(',').map(|n| n.parse().unwrap()).collect();
    let data: Vec<f32> = arguments[3].split(',').map(|n| n.parse().unwrap()).collect();
    let model = candle_onnx::read_file(&arguments[1])?;
    let x = Tensor::from_vec(data, shape, &Device::Cpu)?;
    let outputs = candle_onnx::simple_eval(&model, [("x".to_string(), x)].into())?;
    let y = outputs["y"].to_dtype(DType::F32)?;
    let write = |list: Vec<String>| list.join(",");
    println!("{}", write(y.dims().iter().map(|n| n.to_string()).collect()));
    println!("{}", write(y.flatten_all()?.to_vec1::<f32>()?.iter().map(|n| n.to_string()).collect()));
    Ok(())
}
RUST
PROTOC="$folder/protoc" cargo build --quiet --manifest-path one/Cargo.toml
cat >compare.py <<'PYTHON'
import subprocess

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def differ(title, opset, x, right, nodes, **constants):
    """Nodes as (operator, inputs, outputs, attributes) that lead from x to y."""
    x, right = np.array(x, np.float32), np.array(right, np.float32)
    graph = helper.make_graph(
        [helper.make_node(op, names, outs, **attributes) for op, names, outs, attributes in nodes], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * right.ndim)],
        [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "m.onnx")
    beside = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"]).run(["y"], {"x": x})[0]
    np.testing.assert_allclose(beside, right, rtol=1e-3)  # what was reckoned by hand
    said = subprocess.run(["one/target/debug/one", "m.onnx", ",".join(map(str, x.shape)), ",".join(map(str, x.ravel()))],
                          capture_output=True, text=True, check=True).stdout.split("\n")
    found = np.array(said[1].split(","), np.float32).reshape([int(n) for n in said[0].split(",")])
    write = lambda a: f"{' '.join(f'{n:.4g}' for n in a.ravel())} ({'x'.join(map(str, a.shape))})"
    print(f"{title:<48}{write(found):<52}{write(beside)}")
    assert found.shape != beside.shape or not np.allclose(found, beside, rtol=1e-3), title


maps = [[[[1, 3]], [[5, 7]]], [[[10, 20]], [[30, 40]]]]  # two images of two channels
differ("maps less their mean, set 18", 18, maps, [[[[-1, 1]], [[-1, 1]]], [[[-5, 5]], [[-5, 5]]]],
       [("ReduceMean", ["x", "over"], ["m"], {}), ("Sub", ["x", "m"], ["y"], {})], over=[2, 3])
differ("3 4 and 30 40 by their length, set 17", 17, [[3, 4], [30, 40]], [[.6, .8], [.6, .8]],
       [("ReduceL2", ["x"], ["l"], {"axes": [1]}), ("Div", ["x", "l"], ["y"], {})])
differ("-1 3 9 by Clip 0 to 6, set 10", 10, [[-1, 3, 9]], [[0, 3, 6]], [("Clip", ["x"], ["y"], {"min": 0., "max": 6.})])
e = np.exp([1, 2, 3])
differ("softmax of 1 2 3 over channels, set 11", 11, np.array([1, 2, 3]).reshape(1, 3, 1, 1), (e / e.sum()).reshape(1, 3, 1, 1),
       [("Softmax", ["x"], ["y"], {})])
differ("mean of max pool 2 with ceil_mode of 3 pixels", 13, [[[[1], [2], [3]]]], [[[[2.5]]]],
       [("MaxPool", ["x"], ["p"], {"kernel_shape": [2, 1], "strides": [2, 1], "ceil_mode": 1}),
        ("ReduceMean", ["p"], ["y"], {"axes": [2, 3]})])
differ("max pool 2 without strides of 1 to 4", 17, [[[[1], [2], [3], [4]]]], [[[[2], [3], [4]]]],
       [("MaxPool", ["x"], ["y"], {"kernel_shape": [2, 1]})])
differ("first of two parts of 1 2 3, set 18", 18, [[1, 2, 3]], [[1, 2]], [("Split", ["x"], ["y", "z"], {"axis": 1, "num_outputs": 2})])
two = np.array([[[[1, 1], [1, 1]], [[1, 1], [1, 1]]]])
differ("gates 2 3 a channel on maps of 1", 13, [[2, 3]], [[[[2, 2], [2, 2]], [[3, 3], [3, 3]]]],
       [("Unsqueeze", ["x", "to"], ["u"], {}), ("Mul", ["maps", "u"], ["y"], {})], to=[-2, -1], maps=two.astype(np.float32))
PYTHON
venv/bin/python compare.py
