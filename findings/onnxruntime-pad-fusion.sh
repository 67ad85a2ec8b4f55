#!/usr/bin/env bash
# onnxruntime for JavaScript takes zeros in front of a MaxPool for the pool's own padding, and so does onnxoptimizer.
#
# Versions   onnxruntime-node 1.30.0 and onnxruntime-web 1.30.0 (npm's newest), onnxoptimizer 0.4.2, onnx 1.23.2,
#            onnxruntime 1.32.0 for Python, Node 20.20
# Guess      An optimiser changes no number: a Pad by zeros and then a MaxPool is the maximum of the values and zeros.
# What is so onnxruntime 1.30's Pad_Fusion, on by default, drops the Pad and gives its sizes to the pool, whose padding is
#            lower than any number: where all values beside the zeros are negative, the maximum is another. A Pad in front
#            of an AveragePool that has padding of its own makes a file that does not open. onnxruntime 1.32, which npm
#            does not have, is right. onnxoptimizer does the same to MaxPool by its default passes, for good.
# Who is hit Nets that pad by themselves and pool what no ReLU went over: Keras' ZeroPadding2D or PyTorch's F.pad before a
#            pool. The very same file gives other scores in the browser than in Python.
# Way out    extra: { optimization: { disable_specified_optimizers: 'Pad_Fusion' } }
# Seen       the maxima of -1 -2 -3 -4, one zero on each side, windows of 2x2:
#            onnxruntime-node, not optimised  0 0 0 0
#            onnxruntime-node, by default     -1 -2 -3 -4
#            onnxruntime-web, by default      -1 -2 -3 -4
#            onnxruntime-node, way out        0 0 0 0
#            onnxruntime for Python           0 0 0 0
#            what onnxoptimizer wrote         -1 -2 -3 -4
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-save --ignore-scripts --prefix . onnxruntime-node@1.30.0 onnxruntime-web@1.30.0
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 onnxoptimizer==0.4.2 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import numpy as np
import onnx
import onnxoptimizer
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

graph = helper.make_graph(
    [
        helper.make_node("Pad", ["x", "pads", "zero"], ["padded"]),
        helper.make_node("MaxPool", ["padded"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
    ],
    "g",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 2, 2])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 2, 2])],
    [
        numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "pads"),
        numpy_helper.from_array(np.float32(0), "zero"),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
onnx.save(model, "model.onnx")
x = np.array([-1, -2, -3, -4], np.float32).reshape(1, 1, 2, 2)
show = lambda made: " ".join(
    f"{value:g}" for value in onnxruntime.InferenceSession(made.SerializeToString()).run(None, {"x": x})[0].ravel()
)
lines = [f"onnxruntime for Python           {show(model)}", f"what onnxoptimizer wrote         {show(onnxoptimizer.optimize(model))}"]
open("python.txt", "w").write("\n".join(lines) + "\n")
PYTHON
cat >run.mjs <<'JS'
import { readFileSync } from 'node:fs';
import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';

const way = { optimization: { disable_specified_optimizers: 'Pad_Fusion' } };
console.log('the maxima of -1 -2 -3 -4, one zero on each side, windows of 2x2:');
for (const [what, ort, options] of [
  ['onnxruntime-node, not optimised', node, { graphOptimizationLevel: 'disabled' }],
  ['onnxruntime-node, by default', node, {}],
  ['onnxruntime-web, by default', web, { executionProviders: ['wasm'] }],
  ['onnxruntime-node, way out', node, { extra: way }],
]) {
  const session = await ort.InferenceSession.create(new Uint8Array(readFileSync('model.onnx')), options);
  const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(-1, -2, -3, -4), [1, 1, 2, 2]) });
  console.log(`${what.padEnd(32)} ${[...y.data].join(' ')}`);
}
JS
node run.mjs >seen.txt
cat python.txt >>seen.txt
cat seen.txt
diff seen.txt - <<'EXPECTED'
the maxima of -1 -2 -3 -4, one zero on each side, windows of 2x2:
onnxruntime-node, not optimised  0 0 0 0
onnxruntime-node, by default     -1 -2 -3 -4
onnxruntime-web, by default      -1 -2 -3 -4
onnxruntime-node, way out        0 0 0 0
onnxruntime for Python           0 0 0 0
what onnxoptimizer wrote         -1 -2 -3 -4
EXPECTED
