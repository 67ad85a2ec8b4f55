#!/usr/bin/env bash
# tfjs's wasm backend: a net of NaN answers confident scores, PReLU's slopes go by place, and means of large batches run away.
#
# Versions   @tensorflow/tfjs 4.22.0, @tensorflow/tfjs-backend-wasm 4.22.0
# Guess      A backend changes how fast a net is, not what it says, but for a last digit.
# What is so A conv makes -Infinity of NaN, and with ReLU 0: a net whose weights are NaN answers finite scores where the CPU backend answers
#            NaN. PReLU with a slope for each channel of another layout, or for each row, takes slopes in the order in which they lie, whatever their
#            shape. Sums are in float32 one after another: the mean of 32 pictures of 224 pixels of 250.3 is 253.8, its variance 12.2, of
#            17 million ones the sum stands at 16,777,200. A cast of numbers to bool keeps their lowest byte, so that 256 is false and 300.7 is 44.
#            The gradient of max-pooling goes to the first pixel of all wherever a window has negative values only.
# Who is hit Pages that fall back on wasm: diverged nets look healthy there; means of a dataset; masks made of counts.
# Seen                                                     cpu                      wasm
#            softmax of a net whose conv is NaN            NaN NaN                  0.2689 0.7311
#            1x1 conv of NaN 1                             NaN 1                    -Infinity 1
#            PReLU of -1 by rows, slopes 1 and 2           -1 -1 -2 -2              -1 -2 -1 -2
#            mean of 32x224x224 times 250.3, variance      250.3 0                  253.8 12.2
#            sum of 17 million ones                        17000000                 16777200
#            0.5 300.7 256 as bool                         1 1 1                    0 44 0
#            gradient of a max-pool, positive pixels       1 0 1 0 0 1              1 0 1 0 0 1
#            gradient of a max-pool, negative pixels       0 1 0 1 1 0              1 0 0 0 0 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
cat >backends.mjs <<'JAVASCRIPT'
import assert from 'node:assert/strict';
import tf from '@tensorflow/tfjs';
import wasm from '@tensorflow/tfjs-backend-wasm';

wasm.setWasmPaths(`${process.cwd()}/node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/`);
const rounded = (list) => list.map((value) => Number(value.toPrecision(6))).join(' ');
console.log(`${''.padEnd(48)}${'cpu'.padEnd(25)}wasm`);
async function both(title, compute, alike = false) {
  const found = [];
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend);
    found.push([compute()].flat().flatMap((tensor) => [...tensor.dataSync()]));
  }
  console.log(`${title.padEnd(48)}${rounded(found[0]).padEnd(25)}${rounded(found[1])}`);
  assert.equal(rounded(found[0]) === rounded(found[1]), alike, title);
  return found[1];
}

/** One pixel, a conv with this weight and ReLU, and two classes. */
function net(weight) {
  const layers = [
    tf.layers.conv2d({ filters: 1, kernelSize: 1, inputShape: [1, 1, 1], activation: 'relu' }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 2, activation: 'softmax' }),
  ];
  const model = tf.sequential({ layers });
  model.setWeights([tf.fill([1, 1, 1, 1], weight), tf.zeros([1]), tf.ones([1, 2]), tf.tensor1d([0, 1])]);
  return model.predict(tf.ones([1, 1, 1, 1]));
}
await both('softmax of a net whose conv is 1', () => net(1), true);
const scores = await both('softmax of a net whose conv is NaN', () => net(Number.NaN));
assert.ok(scores.every(Number.isFinite));
await both('1x1 conv of NaN 1', () =>
  tf.conv2d(tf.tensor([Number.NaN, 1], [1, 1, 2, 1]), tf.ones([1, 1, 1, 1]), 1, 'valid'));
await both('PReLU of -1 by rows, slopes 1 and 2', () =>
  tf.prelu(tf.fill([1, 2, 2, 1], -1), tf.tensor([1, 2], [2, 1, 1])));
await both('mean of 32x224x224 times 250.3, variance', () => {
  const { mean, variance } = tf.moments(tf.fill([32, 224, 224], 250.3));
  return [mean, variance];
});
await both('sum of 17 million ones', () => tf.ones([17_000_000]).sum());
await both('0.5 300.7 256 as bool', () => tf.cast(tf.tensor1d([0.5, 300.7, 256]), 'bool'));
const pooled = (x) => tf.maxPool(x, [1, 2], [1, 2], 'valid').sum();
const pixels = [4, 1, 3, 2, 5, 6];
const line = (sign) => tf.tensor(pixels, [1, 1, 6, 1]).mul(sign);
await both('gradient of a max-pool, positive pixels', () => tf.grad(pooled)(line(1)), true);
await both('gradient of a max-pool, negative pixels', () => tf.grad(pooled)(line(-1)));
JAVASCRIPT
node backends.mjs 2> >(grep -v -i "tensorflow.js\|^=*$\|tfjs-node" >&2)
