#!/usr/bin/env bash
# onnxruntime's WebGPU provider: Slice backwards begins at the end, a Conv of the image's size forgets its padding.
#
# Versions   onnxruntime-node 1.30.0 (WebGPU provider on SwiftShader, which @sparticuz/chromium 153.0.0 has in it)
# Guess      Of some 400 small graphs of single operators, those that the provider takes give on WebGPU what they give on
#            the CPU.
# What is so Nearly all do. But x[6::-2] of eight values is 7 5 3 1 and not 6 4 2 0: with a negative step the slice is as
#            long as it should be and starts at the last value, wherever `starts` is. And a Conv whose kernel is as
#            large as its image, with padding at the end only, is computed as one product for all positions: all of
#            the result but the first is lost. (Not shown here: a tensor that was left in the GPU's memory is read
#            by getData() in a page; in Node the call ends the process.)
# Who is hit Pages and services that take the GPU where there is one: the same file is right where there is none. Flips
#            of a part, and a filter's gradient, which is a convolution with a kernel as large as the image.
# Seen       x[7::-1] of 0 to 7: CPU 7 6 5 4 3 2 1 0, WebGPU 7 6 5 4 3 2 1 0
#            x[6::-2] of 0 to 7: CPU 6 4 2 0, WebGPU 7 5 3 1
#            Conv 2x2 of 0 1 2 3, one row after: CPU 6 4 5 3, WebGPU 6 0 0 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts onnxruntime-node@1.30.0 @sparticuz/chromium@153.0.0 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save(name, node, shape, constants):
    graph = helper.make_graph(
        [node],
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(onnx.shape_inference.infer_shapes(model), f"{name}.onnx")


def slice_of(name, start, end, step):
    numbers = {"start": start, "end": end, "axis": 0, "step": step}
    constants = {key: np.array([value], np.int64) for key, value in numbers.items()}
    save(name, helper.make_node("Slice", ["x", *constants], ["y"]), [8], constants)


slice_of("whole", 7, -100, -1)
slice_of("part", 6, -100, -2)
conv = helper.make_node("Conv", ["x", "w"], ["y"], pads=[0, 0, 1, 1])
save("conv", conv, [1, 1, 2, 2], {"w": np.ones((1, 1, 2, 2), np.float32)})
PYTHON
node -e "
const { brotliDecompressSync } = require('node:zlib');
process.stdout.write(brotliDecompressSync(require('node:fs').readFileSync('node_modules/@sparticuz/chromium/bin/swiftshader.tar.br')));
" | tar x
cat >compare.mjs <<'JAVASCRIPT'
import ort from 'onnxruntime-node';

const x = { whole: [8], part: [8], conv: [1, 1, 2, 2] };
async function run(name, provider) {
  const options = { executionProviders: [provider], logSeverityLevel: 4 };
  const session = await ort.InferenceSession.create(`${name}.onnx`, options);
  const data = Float32Array.from({ length: x[name].reduce((a, b) => a * b) }, (_, i) => i);
  return (await session.run({ x: new ort.Tensor('float32', data, x[name]) })).y;
}
const told = { whole: 'x[7::-1] of 0 to 7', part: 'x[6::-2] of 0 to 7', conv: 'Conv 2x2 of 0 1 2 3, one row after' };
const same = {};
for (const name of Object.keys(x)) {
  const [cpu, gpu] = [await run(name, 'cpu'), await run(name, 'webgpu')].map((y) => [...y.data].join(' '));
  console.log(`${told[name]}: CPU ${cpu}, WebGPU ${gpu}`);
  same[name] = cpu === gpu;
}
if (!same.whole) throw new Error('a whole flip is wrong now');
if (same.part || same.conv) throw new Error('Slice or Conv is right now');
JAVASCRIPT
LD_LIBRARY_PATH=$PWD VK_ICD_FILENAMES=$PWD/vk_swiftshader_icd.json node compare.mjs
