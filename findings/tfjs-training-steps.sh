#!/usr/bin/env bash
# tfjs: adadelta is plain SGD, centred rmsprop makes NaN of a weight without a gradient, and the gradients of four operators are not theirs.
#
# Versions   @tensorflow/tfjs 4.22.0, CPU backend
# Guess      An optimiser of a paper's name takes the paper's steps; a weight whose gradient is 0 stays; the gradient of a linear operator is what its
#            values change by.
# What is so tf.train.adadelta divides an accumulator by itself before it is updated: the step is the learning rate times the gradient, whose
#            default in compile is 1, and 700 times what it should be at first. tf.train.rmsprop with centered subtracts epsilon under the
#            root where it is to be added, and a weight is NaN after one step with a gradient of 0 or 0.001. State is kept by a variable's
#            place in the list: another variable at that place goes on with the momentum of the first. The gradient of average pooling
#            with 'same' divides by the whole window at the edge, where forward it does not; mirrored padding's forgets the mirror
#            images; that of resizing to the nearest pixel, by half pixels, goes to the pixels that were not read. The gradient of |x| at
#            0 is -1, so that L1 moves weights of 0.
# Who is hit Whoever trains in the page: dead ReLUs under rmsprop, staged training with one optimiser, Inception's pools, U-nets that upsample,
#            sparse nets.
# Seen       what, what tfjs has, what is right
#            adadelta, gradients 1 and 0.1               0 0.9                                          0.9986 0.9986
#            centred rmsprop, gradients 1, 0.001 and 0   0.9667 NaN NaN                                 0.9667 0.9771 1
#            momentum of another variable, gradient 0    -0.2439                                        0
#            sum of average pooling 3x3, window 2, same  0.25 0.25 0.25 0.25 0.25 0.25 0.25 0.25 0.25   0.25 0.25 0.5 0.25 0.25 0.5 0.5 0.5 1
#            sum of three pixels mirrored by one         1 1 1                                          1 3 1
#            sum of four pixels resized to two           1 0 1 0                                        0 1 0 1
#            sum of |x| at -1, 0, 1                      -1 -1 1                                        -1 0 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts @tensorflow/tfjs@4.22.0
cat >steps.mjs <<'JAVASCRIPT'
import assert from 'node:assert/strict';
import tf from '@tensorflow/tfjs';

await tf.setBackend('cpu');
const rounded = (list) => [...list].map((value) => Number(value.toPrecision(4)));
function differ(title, found, right) {
  console.log(`${title.padEnd(56)}${rounded(found).join(' ').padEnd(48)}${rounded(right).join(' ')}`);
  assert.ok(found.some((value, i) => !(Math.abs(value - right[i]) < 0.01)), title);
}

/** Weights of 1 after one step with these gradients. */
function step(optimizer, gradients) {
  const weights = tf.variable(tf.ones([gradients.length]));
  optimizer.minimize(() => weights.mul(gradients).sum(), false, [weights]);
  return weights.dataSync();
}
// Zeiler 2012: the update's root mean square, here that of epsilon alone, by that of the gradient.
const adadelta = (g) => 1 - (Math.sqrt(1e-7) / Math.sqrt(0.05 * g * g + 1e-7)) * g;
differ('adadelta, gradients 1 and 0.1', step(tf.train.adadelta(1, 0.95, 1e-7), [1, 0.1]), [1, 0.1].map(adadelta));
// Graves 2013, equation 40: the root of the mean square less the squared mean, plus epsilon.
const rmsprop = (g) => 1 - (0.01 * g) / Math.sqrt(0.1 * g * g - (0.1 * g) ** 2 + 1e-7);
const gradients = [1, 0.001, 0];
const centred = step(tf.train.rmsprop(0.01, 0.9, 0, 1e-7, true), gradients);
differ('centred rmsprop, gradients 1, 0.001 and 0', centred, gradients.map(rmsprop));
assert.ok(Number.isNaN(centred[1]) && Number.isNaN(centred[2]));

const [first, second] = [tf.variable(tf.scalar(0)), tf.variable(tf.scalar(0))];
const momentum = tf.train.momentum(0.1, 0.9);
for (let i = 0; i < 3; i++) momentum.minimize(() => first.mul(1), false, [first]);
momentum.minimize(() => second.mul(0), false, [second]);
differ('momentum of another variable, gradient 0', second.dataSync(), [0]);

/** The gradient of the sum of a linear operator's values, beside what one more in each place adds to it. */
function linear(title, shape, operator) {
  const size = shape.reduce((a, b) => a * b, 1);
  const found = tf.grad((x) => operator(x).sum())(tf.zeros(shape)).dataSync();
  const right = Array.from({ length: size }, (_, place) => {
    const one = tf.oneHot(place, size).toFloat().reshape(shape);
    return operator(one).sum().dataSync()[0];
  });
  differ(title, found, right);
}
linear('sum of average pooling 3x3, window 2, same', [1, 3, 3, 1], (x) => tf.avgPool(x, 2, 2, 'same'));
linear('sum of three pixels mirrored by one', [3], (x) => tf.mirrorPad(x, [[1, 1]], 'reflect'));
linear('sum of four pixels resized to two', [1, 1, 4, 1], (x) => tf.image.resizeNearestNeighbor(x, [1, 2], false, true));
differ('sum of |x| at -1, 0, 1', tf.grad((x) => x.abs().sum())(tf.tensor1d([-1, 0, 1])).dataSync(), [-1, 0, 1]);
JAVASCRIPT
node steps.mjs 2> >(grep -v -i "tensorflow.js\|^=*$\|tfjs-node" >&2)
