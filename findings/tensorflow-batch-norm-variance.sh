#!/usr/bin/env bash
# TensorFlow's fused batch norm hands out two variances of one batch, and Keras keeps the one without correction.
#
# Versions   tensorflow-cpu 2.21.0 with keras 3.15.1 (some 300 MB)
# Guess      batch_variance and reserve_space_2 of FusedBatchNormV3 are one number on a CPU, and the moving_variance of
#            a Keras layer is moved by the same.
# What is so batch_variance, for the moving average, is divided by n - 1; reserve_space_2, for the gradient, and what
#            normalises the batch by n. Keras 3 does not take the fused kernel's and divides by n for its moving
#            variance as well, where tf.compat.v1's fused_batch_norm and PyTorch's running_var have n - 1.
# Who is hit Who feeds batch_variance to FusedBatchNormGradV3 (another gradient, no error), and fine-tuning with small
#            batches between the two: at 4 images of 2 x 2 pixels, a small net's last stage, the kept variances are
#            7 % apart; scores agree in training and not in evaluation.
# Seen       n = 16, n / (n - 1) = 1.0667
#            batch_variance:                 1.0667 times the variance over n
#            reserve_space_2:                1.0000 times the variance over n
#            tf.compat.v1 fused_batch_norm:  1.0667 times the variance over n
#            Keras 3 moving_variance:        1.0000 times the variance over n
#            gradient with batch_variance:   10.7% off
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet tensorflow-cpu==2.21.0 keras==3.15.1
TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python - 2>/dev/null <<'PYTHON'
import numpy as np
import tensorflow as tf

x = np.random.default_rng(0).standard_normal((4, 2, 2, 8)).astype(np.float32)
count = x[..., 0].size
by_n = x.reshape(-1, 8).var(axis=0)
ones, zeros, none = np.ones(8, np.float32), np.zeros(8, np.float32), np.zeros(0, np.float32)


def times(variance):
    """How many times the variance over n it is."""
    return float(np.mean(np.asarray(variance) / by_n))


fused = tf.raw_ops.FusedBatchNormV3(x=x, scale=ones, offset=zeros, mean=none, variance=none, is_training=True, epsilon=1e-3)
_, _, compat = tf.compat.v1.nn.fused_batch_norm(x, ones, zeros, is_training=True)
layer = tf.keras.layers.BatchNormalization(momentum=0)
layer(x, training=True)
found = {
    "batch_variance": times(fused.batch_variance),
    "reserve_space_2": times(fused.reserve_space_2),
    "tf.compat.v1 fused_batch_norm": times(compat),
    "Keras 3 moving_variance": times(layer.moving_variance),
}
print(f"n = {count}, n / (n - 1) = {count / (count - 1):.4f}")
for name, factor in found.items():
    print(f"{name + ':':31} {factor:.4f} times the variance over n")


def gradient(saved):
    return tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=x**3, x=x, scale=ones, reserve_space_1=fused.reserve_space_1, reserve_space_2=saved,
        reserve_space_3=fused.reserve_space_3, epsilon=1e-3, is_training=True,
    ).x_backprop


right, other = gradient(fused.reserve_space_2), gradient(fused.batch_variance)
apart = float(tf.norm(other - right) / tf.norm(right))
print(f"gradient with batch_variance:   {apart:.1%} off")
corrected = [abs(factor - count / (count - 1)) < 1e-4 for factor in found.values()]
assert corrected == [True, False, True, False], "the variances are others now"
assert apart > 0.01, "the gradient does not depend on it now"
PYTHON
