#!/usr/bin/env bash
# One clip, three gradients at its bounds: 0, 0.5 or 1 by framework, and by how it is written.
#
# Versions   torch 2.15.0, tensorflow-cpu 2.21.0 (together some 6 GB when installed)
# Guess      min(max(x, 0), 6) is one function; what its derivative is just at a bound is a convention, the same for
#            relu6, hardtanh, clamp and minimum of maximum, and for numbers and tensors as bounds.
# What is so PyTorch's clamp with numbers has 0 at both bounds, as relu6 and hardtanh; with tensors as bounds 0.5, as
#            minimum of maximum. TensorFlow's clip_by_value has 1, as its minimum of maximum, and relu6 0. Hardswish,
#            x * relu6(x + 3) / 6, has 0 at -3 and 1 at 3 in PyTorch. A file in ONNX says Clip for all of them.
# Who is hit Values that lie on a bound by construction: of a black picture in 0..1 that is optimised, no pixel ever
#            changes with clamp(0, 1), and all do in TensorFlow; zeros behind norms that start at 0; whoever compares
#            the gradients of an exported net between frameworks, on such inputs.
# Seen       torch.clamp, numbers:        0.0 0.0
#            torch.clamp, tensors:        0.5 0.5
#            torch minimum of maximum:    0.5 0.5
#            torch relu6:                 0.0 0.0
#            torch: black picture towards white, 10 steps: mean 0.00
#            tf.clip_by_value:            1.0 1.0
#            tf minimum of maximum:       1.0 1.0
#            tf relu6:                    0.0 0.0
#            tf: black picture towards white, 10 steps: mean 0.99
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.15.0 tensorflow-cpu==2.21.0
cat >by_torch.py <<'PYTHON'
import torch
from torch.nn.functional import relu6

ZERO, SIX = torch.tensor(0.0), torch.tensor(6.0)
ways = {
    "torch.clamp, numbers": lambda x: torch.clamp(x, 0, 6),
    "torch.clamp, tensors": lambda x: torch.clamp(x, ZERO, SIX),
    "torch minimum of maximum": lambda x: torch.minimum(torch.maximum(x, ZERO), SIX),
    "torch relu6": relu6,
}
found = []
for name, clip in ways.items():
    x = torch.tensor([0.0, 6.0], requires_grad=True)
    clip(x).sum().backward()
    found.append(x.grad.tolist())
    print(f"{name + ':':28} {x.grad[0]:.1f} {x.grad[1]:.1f}")
picture = torch.zeros(64, requires_grad=True)
for _ in range(10):
    loss = ((torch.clamp(picture, 0, 1) - 1) ** 2).sum()
    (gradient,) = torch.autograd.grad(loss, picture)
    picture.data -= 0.2 * gradient
mean = picture.clamp(0, 1).mean().item()
print(f"torch: black picture towards white, 10 steps: mean {mean:.2f}")
assert found == [[0, 0], [0.5, 0.5], [0.5, 0.5], [0, 0]] and mean == 0, "PyTorch's gradients are others now"
PYTHON
cat >by_tensorflow.py <<'PYTHON'
import tensorflow as tf

ways = {
    "tf.clip_by_value": lambda x: tf.clip_by_value(x, 0.0, 6.0),
    "tf minimum of maximum": lambda x: tf.minimum(tf.maximum(x, 0.0), 6.0),
    "tf relu6": tf.nn.relu6,
}


def gradient(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x).numpy()


found = []
for name, clip in ways.items():
    found.append(gradient(clip, tf.constant([0.0, 6.0])).tolist())
    print(f"{name + ':':28} {found[-1][0]:.1f} {found[-1][1]:.1f}")
picture = tf.zeros(64)
for _ in range(10):
    picture -= 0.2 * gradient(lambda x: tf.reduce_sum((tf.clip_by_value(x, 0.0, 1.0) - 1) ** 2), picture)
mean = float(tf.reduce_mean(tf.clip_by_value(picture, 0.0, 1.0)))
print(f"tf: black picture towards white, 10 steps: mean {mean:.2f}")
assert found == [[1, 1], [1, 1], [0, 0]] and mean > 0.9, "TensorFlow's gradients are others now"
PYTHON
venv/bin/python by_torch.py
TF_CPP_MIN_LOG_LEVEL=3 venv/bin/python by_tensorflow.py 2>/dev/null
