#!/usr/bin/env bash
# An output buffer made with onnxruntime-common's Tensor is passed over by onnxruntime-node, without a word.
#
# Versions   onnxruntime-common and onnxruntime-node 1.30.0, onnxruntime-web 1.30.0, Node 20
# Guess      `import { Tensor } from 'onnxruntime-common'` is the class that onnxruntime-node and onnxruntime-web hand
#            on: one package, one class, in whichever module system it is asked for.
# What is so An import gets onnxruntime-common as ES modules, onnxruntime-node (CommonJS inside) requires it a second
#            time: two classes, two InferenceSessions, two `env`s. Inputs are taken all the same, but run(feeds,
#            { y: buffer }) knows a buffer by instanceof: one of the other class is taken for options, the result
#            comes in memory of its own and the buffer keeps what it held. Results of the session are no instance of
#            the imported Tensor, and what is set on the imported `env` does not reach it.
# Who is hit Code for page and server in one (types and tensors from onnxruntime-common), whoever reuses output
#            buffers: zeros for results, or those of the batch before.
# Seen       tensors of onnxruntime-common: result 2, 4; buffer 0, 0; result instanceof Tensor: false
#            tensors of onnxruntime-node: result 2, 4; buffer 2, 4; result instanceof Tensor: true
#            one class: common and node false, common and web true, node imported and required true
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts onnxruntime-common@1.30.0 onnxruntime-node@1.30.0 onnxruntime-web@1.30.0 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2
venv/bin/python - <<'PYTHON'
import onnx
from onnx import TensorProto, helper

graph = helper.make_graph(
    [helper.make_node("Add", ["x", "x"], ["y"])],
    "twice",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "twice.onnx")
PYTHON
cat >twice.mjs <<'JAVASCRIPT'
import { createRequire } from 'node:module';
import * as common from 'onnxruntime-common';
import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';

const session = await node.InferenceSession.create('twice.onnx');
async function run({ Tensor }) {
  const buffer = new Tensor('float32', new Float32Array(2), [2]);
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 2), [2]) }, { y: buffer });
  return { result: [...y.data].join(', '), buffer: [...buffer.data].join(', '), known: y instanceof Tensor };
}
const told = ({ result, buffer, known }) => `result ${result}; buffer ${buffer}; result instanceof Tensor: ${known}`;
const [ofCommon, ofNode] = [await run(common), await run(node)];
console.log(`tensors of onnxruntime-common: ${told(ofCommon)}`);
console.log(`tensors of onnxruntime-node: ${told(ofNode)}`);
const required = createRequire(import.meta.url)('onnxruntime-node');
const one = (a, b) => a.Tensor === b.Tensor;
console.log(
  `one class: common and node ${one(common, node)}, common and web ${one(common, web)}, ` +
    `node imported and required ${one(node, required)}`,
);
if (common.env === node.env) throw new Error('there is one env now');
const passedOver = ofCommon.result === '2, 4' && ofCommon.buffer === '0, 0' && !ofCommon.known;
if (!passedOver) throw new Error('a buffer of onnxruntime-common is filled now');
if (ofNode.buffer !== '2, 4') throw new Error("onnxruntime-node's own buffers are not filled any more");
JAVASCRIPT
node twice.mjs
