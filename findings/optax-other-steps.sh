#!/usr/bin/env bash
# optax: Adan looks ahead by 0.08 instead of 0.92, centralize takes the means of PyTorch's layout, rprop is a step late, triplets by norm 1 are signed.
#
# Versions   optax 0.2.8, jax 0.10.2
# Guess      Adan is the paper's and its authors' (b2 of 0.92 here is 0.08 there): the newest difference of gradients counts 0.92 times. Gradient
#            centralisation takes away the mean over all that feeds an output, which in Flax are the leading axes (adaptive_grad_clip of the same
#            library knows them so). The first step of rprop is as long as its rate. A triplet's distance of norm 1 is the sum of absolutes.
# What is so Adan's averages have the convention of the authors' code, b2 for what is kept, and the look ahead has the paper's, 1 - b2: it is 0.08 in
#            the step and in the squares. centralize means over all axes but the first, which is PyTorch's output and Flax's input (of Dense)
#            or the kernel's row (of Conv): for the last layer under softmax, whose gradient sums to 0 over the classes, it does nothing. rprop
#            gives out the update of the step before, first 0. triplet_margin_loss raises signed differences to norm_degree.
# Cause      optax/_src/transform.py: scale_by_adan (add_scale by 1 - b2), _subtract_mean, scale_by_rprop (state.prev_updates for the
#            new ones); optax/losses/_self_supervised.py: triplet_margin_loss.
# Who is hit Vision transformers trained by Adan in JAX, which has next to none of Adan's correction; centralize with any Flax or Haiku net.
# Seen       Adan's steps, gradients 1 2 1 3                 1 0.9463 0.928 0.8954
#            the authors' rule, look ahead 0.92              1 0.9074 0.7334 0.7847
#            column means of a Dense gradient, centralised   -0.5 0.5 (by rows 0 0 0)
#            rprop's steps by a gradient of 1, rate 0.1      0 0.1 0.12 0.144 (the rule 0.1 0.12 0.144 0.1728)
#            triplet, distances 4 and 1 by norm 1, margin 1  0 (the sum of absolutes 4)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check optax==0.2.8 jax==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu venv/bin/python -W ignore - <<'PYTHON'
import jax.numpy as jnp
import numpy as np
import optax


def show(title, text):
    print(f"{title:48}{text}")


def words(values):
    return " ".join(f"{float(v) + 0:.4g}" for v in np.ravel(values))


def steps(optimizer, gradients):
    """How far down each step goes, from a weight of 0."""
    weight = jnp.zeros(1)
    state, seen = optimizer.init(weight), []
    for gradient in gradients:
        update, state = optimizer.update(jnp.full(1, float(gradient)), state, weight)
        weight = optax.apply_updates(weight, update)
        seen.append(-float(update[0]))
    return seen


def adan(gradients, ahead, b1=0.98, b2=0.92, b3=0.99):
    """The authors' rule with rate 1, b for what is kept, and no decay."""
    m = v = n = 0.0
    before, seen = gradients[0], []
    for t, g in enumerate(gradients, 1):
        difference, before = g - before, g
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * difference
        n = b3 * n + (1 - b3) * (g + ahead * difference) ** 2
        seen.append((m / (1 - b1**t) + ahead * v / (1 - b2**t)) / np.sqrt(n / (1 - b3**t)))
    return seen


gradients = [1.0, 2.0, 1.0, 3.0]
found = steps(optax.adan(1.0, eps=1e-12, eps_root=0.0), gradients)
show("Adan's steps, gradients 1 2 1 3", words(found))
show("the authors' rule, look ahead 0.92", words(adan(gradients, 0.92)))
np.testing.assert_allclose(found, adan(gradients, 0.08), rtol=1e-4)
assert max(abs(np.array(found) - adan(gradients, 0.92))) > 0.05

# A Dense kernel's gradient in Flax: inputs by outputs.
gradient = jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
centralize = optax.centralize()
central = np.asarray(centralize.update(gradient, centralize.init(gradient))[0])
show("column means of a Dense gradient, centralised", f"{words(central.mean(0))} (by rows {words(central.mean(1))})")
assert abs(central.mean(1)).max() < 1e-6 and abs(abs(central.mean(0)) - 0.5).max() < 1e-6
# Under softmax: inputs times (probabilities less label).
last = np.outer([1, 2, 3], np.array([0.7, 0.2, 0.1]) - [0, 1, 0]).astype(np.float32)
np.testing.assert_allclose(centralize.update(jnp.asarray(last), centralize.init(last))[0], last, atol=1e-6)
# The same library's clipping has a norm for each column.
clip = optax.adaptive_grad_clip(1.0)
kernel = jnp.ones((3, 2))
clipped = np.asarray(clip.update(gradient, clip.init(kernel), kernel)[0])
np.testing.assert_allclose(np.linalg.norm(clipped, axis=0), [3**0.5] * 2, rtol=1e-5)

found = steps(optax.rprop(0.1), [1] * 5)
rule = [0.1 * 1.2**n for n in range(5)]
show("rprop's steps by a gradient of 1, rate 0.1", f"{words(found[:4])} (the rule {words(rule[:4])})")
np.testing.assert_allclose(found, [0] + rule[:4], rtol=1e-4)

anchor, positive, negative = jnp.zeros((1, 2)), jnp.array([[-3.0, 1.0]]) * -1, jnp.array([[-1.0, 0.0]])
loss = lambda degree: float(optax.losses.triplet_margin_loss(anchor, positive, negative, norm_degree=degree)[0])
distance = lambda other, degree: (np.abs(np.asarray(anchor - other)) ** degree).sum() ** (1 / degree)
right = lambda degree: max(distance(positive, degree) - distance(negative, degree) + 1, 0)
show("triplet, distances 4 and 1 by norm 1, margin 1", f"{loss(1):.4g} (the sum of absolutes {right(1):.4g})")
assert abs(right(1) - 4) < 1e-6 and abs(loss(1) - 4) > 1 and abs(loss(2) - right(2)) < 1e-4
PYTHON
