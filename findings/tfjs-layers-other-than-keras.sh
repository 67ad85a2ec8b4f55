#!/usr/bin/env bash
# tfjs-layers beside Keras: frozen batch norm goes on learning, alpha dropout has the wrong sign, resizing takes other pixels.
#
# Versions   @tensorflow/tfjs 4.22.0; keras 3.15.1 on jax 0.10.2
# Guess      A layer of the same name and settings has in both the values that it has in Keras, on which tfjs-layers is modelled.
# What is so BatchNormalization with trainable: false normalises by the batch in fit, and its averages go on moving, so that a net trained at
#            a learning rate of 0 is another one afterwards. AlphaDropout puts +2.34 where Keras puts -0.78: the mean of what comes out is
#            1.56, not 0. Resizing lays corners on corners, and its cropToAspectRatio, which does not crop, is what turns that off; bilinear
#            UpSampling2D samples from the upper left. heNormal, glorotNormal and leCunNormal cut off at two deviations and do not make up for it, 12 % too
#            narrow. The metrics precision and recall take scores as they are, and are 0 where all is right. CenterCrop takes an
#            odd column off at the left.
# Who is hit Who fine-tunes in the page with a frozen backbone; SELU nets; Keras models with preprocessing or upsampling inside, brought to
#            tfjs; deep nets begun there.
# Seen                                                  tfjs                         Keras
#            frozen batch norm, averages after a step   [0.13, 0.26, 1.04, 1.19]     [0, 0, 1, 1]
#            alpha dropout of zeros                     [0.779, 2.338]               [-0.779, 0.779]
#            alpha dropout of N(0, 1), mean             [1.56]                       [0]
#            resizing 0 1 2 3 to two                    [0, 3]                       [0.5, 2.5]
#            resizing 2x8 to 2x2, cropped               [0, 4, 8, 12]                [3, 4, 11, 12]
#            bilinear upsampling of 0 1                 [0, 0.5, 1, 1]               [0, 0.25, 0.75, 1]
#            centre of 5x5, 4x4, first row              [1, 2, 3, 4]                 [0, 1, 2, 3]
#            heNormal, of the deviation it should have  [0.885]                      [0.996]
#            precision where all is right               [0]                          [1]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts @tensorflow/tfjs@4.22.0
python3 -m venv venv
venv/bin/pip install --quiet keras==3.15.1 jax==0.10.2
cat >layers.mjs <<'JAVASCRIPT'
import tf from '@tensorflow/tfjs';

await tf.setBackend('cpu');
const values = (tensor) => [...tensor.dataSync()];
const ramp = (height, width) => tf.range(0, height * width).reshape([1, height, width, 1]);
const said = {};

const norm = tf.layers.batchNormalization({ inputShape: [2], trainable: false });
const net = tf.sequential({ layers: [norm, tf.layers.dense({ units: 1, kernelInitializer: 'ones' })] });
net.compile({ loss: 'meanSquaredError', optimizer: tf.train.sgd(0) });
const images = tf.tensor2d([[10, 20], [12, 24], [14, 28], [16, 32]]);
await net.fit(images, tf.zeros([4, 1]), { epochs: 1, verbose: 0 });
said['frozen batch norm, averages after a step'] = norm.getWeights().slice(2).flatMap(values);

const drop = tf.layers.alphaDropout({ rate: 0.5 });
const dropped = values(drop.apply(tf.zeros([50, 1]), { training: true }));
said['alpha dropout of zeros'] = [...new Set(dropped)].sort((a, b) => a - b);
const normal = tf.randomNormal([100000, 1], 0, 1, 'float32', 1);
said['alpha dropout of N(0, 1), mean'] = values(drop.apply(normal, { training: true }).mean());

const { resizing, upSampling2d, centerCrop } = tf.layers;
said['resizing 0 1 2 3 to two'] = values(resizing({ height: 1, width: 2 }).apply(ramp(1, 4)));
const cropping = resizing({ height: 2, width: 2, cropToAspectRatio: true });
said['resizing 2x8 to 2x2, cropped'] = values(cropping.apply(ramp(2, 8)));
const up = upSampling2d({ size: [1, 2], interpolation: 'bilinear' });
said['bilinear upsampling of 0 1'] = values(up.apply(ramp(1, 2)));
const centre = values(centerCrop({ height: 4, width: 4 }).apply(ramp(5, 5)));
said['centre of 5x5, 4x4, first row'] = centre.slice(0, 4);

const kernel = tf.initializers.heNormal({ seed: 1 }).apply([3, 3, 64, 64]);
const [deviation] = values(tf.moments(kernel).variance.sqrt());
said['heNormal, of the deviation it should have'] = [deviation / Math.sqrt(2 / 576)];
const labels = tf.tensor2d([[1, 0], [0, 1]]);
const scores = tf.tensor2d([[0.9, 0.1], [0.2, 0.8]]);
said['precision where all is right'] = values(tf.metrics.precision(labels, scores));
console.log(JSON.stringify(said));
JAVASCRIPT
node layers.mjs >tfjs.json 2>/dev/null
KERAS_BACKEND=jax venv/bin/python -W ignore - <<'PYTHON'
import json

import keras
import numpy
from keras import layers


def ramp(height, width):
    return numpy.arange(height * width, dtype="float32").reshape(1, height, width, 1)


def averages():
    norm = layers.BatchNormalization(trainable=False)
    net = keras.Sequential([layers.Input((2,)), norm, layers.Dense(1, kernel_initializer="ones")])
    net.compile(loss="mse", optimizer=keras.optimizers.SGD(0.0))
    images = numpy.array([[10, 20], [12, 24], [14, 28], [16, 32]], "float32")
    net.fit(images, numpy.zeros((4, 1)), epochs=1, verbose=0)
    return numpy.concatenate([norm.moving_mean, norm.moving_variance])


def precision():
    metric = keras.metrics.Precision()
    metric.update_state([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]])
    return [metric.result()]


drop = layers.AlphaDropout(0.5, seed=1)
normal = numpy.random.default_rng(1).normal(size=(100000, 1)).astype("float32")
kernel = numpy.asarray(keras.initializers.HeNormal(seed=1)((3, 3, 64, 64)))
right = {
    "frozen batch norm, averages after a step": averages(),
    "alpha dropout of zeros": numpy.unique(drop(numpy.zeros((50, 1), "float32"), training=True)),
    "alpha dropout of N(0, 1), mean": [numpy.mean(drop(normal, training=True))],
    "resizing 0 1 2 3 to two": layers.Resizing(1, 2)(ramp(1, 4)),
    "resizing 2x8 to 2x2, cropped": layers.Resizing(2, 2, crop_to_aspect_ratio=True)(ramp(2, 8)),
    "bilinear upsampling of 0 1": layers.UpSampling2D((1, 2), interpolation="bilinear")(ramp(1, 2)),
    "centre of 5x5, 4x4, first row": layers.CenterCrop(4, 4)(ramp(5, 5))[:, 0],
    "heNormal, of the deviation it should have": [kernel.std() / (2 / 576) ** 0.5],
    "precision where all is right": precision(),
}
with open("tfjs.json") as file:
    found = json.load(file)
print(f"{'':43}{'tfjs':29}Keras")
for title, values in right.items():
    keras_, tfjs = (
        [float(f"{value:.3f}") + 0 for value in numpy.asarray(each, "float64").ravel()] for each in (values, found[title])
    )
    print(f"{title:43}{str(tfjs):29}{keras_}")
    assert not numpy.allclose(keras_, tfjs, atol=0.05), title
PYTHON
