#!/usr/bin/env bash
# Keras's optimisers: SGD's weight decay is a tenth of PyTorch's, an EMA under accumulation forgets k times as fast, an AUC of confident scores is 0.5.
#
# Versions   keras 3.15.1 on jax 0.10.2; beside it scikit-learn 1.9.1 and the formulas in float64
# Guess      SGD(momentum=0.9, weight_decay=1e-4) of a recipe is what it is in PyTorch. ema_momentum is a share a step of the optimiser, gradients
#            accumulated or not. LAMB's decay is part of the step that is scaled to the weights' norm. Adafactor with
#            relative_step=False keeps its rate. A rate that falls to a tenth makes the next step a tenth. Class weights weight a mixed label's
#            parts. AUC of scores that separate two classes is 1, wherever the scores lie.
# What is so Every optimiser's weight_decay multiplies the weights by 1 - rate * decay; PyTorch's SGD adds the decay to the gradient, in
#            front of the momentum, which makes it 1 / (1 - momentum) times as much: after 200 steps 0.82 of a weight is left here, 0.12 there. With
#            gradient_accumulation_steps=4 the average is taken at each small batch, where nothing moved: 0.9 becomes 0.9^4,
#            and EMA is close to no EMA. (The docs have it look at the accumulated count.) Lamb's decay is put on first, outside of the trust ratio: it is not scaled. Adafactor's
#            rate is min(rate, 1 / sqrt(step)) with relative_step either way, and with a schedule. SGD's momentum holds the rates
#            it was made with, and goes on with the old one. A mixed label has the weight of its larger part for both (and the loss is divided by the
#            pictures, not by their weights). AUC counts at 200 thresholds from 0 to 1: two classes at 0.001 and 0.003, of a softmax over
#            1000 classes, are one; num_thresholds=2000 sees them. Its docs ask for scores that are spread, and nothing tells.
# Cause      keras/src/optimizers/base_optimizer.py: _apply_weight_decay; _backend_apply_gradients calls _update_model_variables_moving_average
#            outside of is_update_step. adafactor.py's rho_t; sgd.py's update_step multiplies by the rate in front of the momentum;
#            class_weight_to_sample_weights takes argmax; metrics/confusion_metrics.py.
# Who is hit Recipes from PyTorch (ResNet's decay of 1e-4 is 1e-5 here); EMA with small memory; MixUp or CutMix with class_weight; AUC of many classes.
# Seen       weight after 200 steps of decay alone, SGD        0.8186 (PyTorch's rule 0.1204)
#            average of 1 to 10, momentum 0.9                  4.487, by accumulation of 4 7.442, of 16 8.895
#            first step of Lamb by rate and norm, decay 0, 1   1 1.895 (the paper 1 1)
#            Adafactor(1.0, relative_step=False), steps        1 at 1, 0.5 at 4, 0.1 at 100
#            SGD's steps around a rate of 1 to 0.1             9.948 9.054 8.248 (PyTorch's rule 9.948 0.9954 0.9958)
#            loss of label 0.6 0.4 by weights 1 10             0.6931, of 0.4 0.6 6.931 (weighted parts 3.188 4.436)
#            AUC of scores by 0.001 and 0.003                  0.5, of 2000 thresholds 1 (scikit-learn 1)
#            AUC of confident logits' sigmoid                  0.5 (scikit-learn 1)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 numpy==2.4.6 scikit-learn==1.9.1
KERAS_HOME="$folder" KERAS_BACKEND=jax venv/bin/python -W ignore - <<'PYTHON'
import keras
import numpy as np
from keras import optimizers
from sklearn.metrics import roc_auc_score


def show(title, text):
    print(f"{title:50}{text}")


def words(values):
    return " ".join(f"{float(v):.4g}" for v in np.ravel(values))


def trace(optimizer, gradients, start):
    """The variable, as a list of arrays, after each of the gradients; and the variable."""
    variable = keras.Variable(np.array(start, np.float32))
    optimizer.build([variable])
    seen = []
    for gradient in gradients:
        optimizer.apply([np.broadcast_to(np.float32(gradient), variable.shape)], [variable])
        seen.append(np.array(variable))
    return seen, variable


# Decay alone: gradients of 0.
found = trace(optimizers.SGD(0.1, momentum=0.9, weight_decay=0.01), [0] * 200, [1])[0][-1][0]
weight, buffer = 1.0, 0.0
for _ in range(200):
    buffer = 0.9 * buffer + 0.01 * weight
    weight -= 0.1 * buffer
show("weight after 200 steps of decay alone, SGD", f"{found:.4g} (PyTorch's rule {weight:.4g})")
assert abs(found - 0.999**200) < 1e-4 and abs(weight - 0.1204) < 1e-3
plain = trace(optimizers.SGD(0.1, weight_decay=0.01), [0] * 200, [1])[0][-1][0]
assert abs(plain - 0.999**200) < 1e-4  # without momentum both rules are one

# Each step of the optimiser adds 1 to the weight: 1, 2, ... 10.
def average(steps):
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.9, gradient_accumulation_steps=steps)
    seen, variable = trace(optimizer, [-1] * 10 * (steps or 1), [0])
    assert seen[-1] == 10
    optimizer.finalize_variable_values([variable])
    return float(np.array(variable)[0])
right = 1.0
for n in range(2, 11):
    right = 0.9 * right + 0.1 * n
averages = [average(None), average(4), average(16)]
show("average of 1 to 10, momentum 0.9", f"{averages[0]:.4g}, by accumulation of 4 {averages[1]:.4g}, of 16 {averages[2]:.4g}")
assert abs(averages[0] - right) < 1e-4 and 7.4 < averages[1] < 7.5 and 8.8 < averages[2] < 9

# LAMB: |step| / (rate * |w|); gradients that are next to nothing beside the decay, and equal ones without.
def length(decay):
    after = trace(optimizers.Lamb(0.1, weight_decay=decay), [1.0], [3.0, 4.0])[0][0]
    return np.linalg.norm(after - [3, 4]) / (0.1 * 5)
lengths = [length(None), length(1.0)]
show("first step of Lamb by rate and norm, decay 0, 1", f"{words(lengths)} (the paper 1 1)")
assert abs(lengths[0] - 1) < 1e-3 and abs(lengths[1] - 1.895) < 0.01

# Adafactor: a step from weights of 1 with a constant gradient is the rate.
def steps(optimizer, count):
    variable = keras.Variable(np.ones((2, 2), np.float32))
    optimizer.build([variable])
    seen = []
    for _ in range(count):
        variable.assign(np.ones((2, 2), np.float32))
        optimizer.apply([np.ones((2, 2), np.float32)], [variable])
        seen.append(1 - float(np.array(variable)[0, 0]))
    return seen
kept = steps(optimizers.Adafactor(1.0, relative_step=False), 100)
show("Adafactor(1.0, relative_step=False), steps", f"{kept[0]:.4g} at 1, {kept[3]:.4g} at 4, {kept[99]:.4g} at 100")
np.testing.assert_allclose(kept, 1 / np.sqrt(np.arange(1, 101)), rtol=1e-3)
np.testing.assert_allclose(kept, steps(optimizers.Adafactor(1.0), 100), rtol=1e-6)
np.testing.assert_allclose(kept, steps(optimizers.Adafactor(lambda: 1.0, relative_step=False), 100), rtol=1e-6)

# A rate that falls after 50 steps of gradient -1.
optimizer = optimizers.SGD(1.0, momentum=0.9)
variable = keras.Variable(np.zeros(1, np.float32))
optimizer.build([variable])
seen, rule, buffer = [], [], 0.0
for n in range(52):
    if n == 50:
        optimizer.learning_rate = 0.1
    before = float(np.array(variable)[0])
    optimizer.apply([np.array([-1], np.float32)], [variable])
    seen.append(float(np.array(variable)[0]) - before)
    buffer = 0.9 * buffer + 1
    rule.append((0.1 if n >= 50 else 1) * buffer)
show("SGD's steps around a rate of 1 to 0.1", f"{words(seen[-3:])} (PyTorch's rule {words(rule[-3:])})")
np.testing.assert_allclose(seen[:50], rule[:50], rtol=1e-3)
np.testing.assert_allclose(seen[50:], [9.054, 8.248], rtol=1e-3)

# A model that says 0.5 and 0.5.
model = keras.Sequential([keras.Input((2,)), keras.layers.Activation("softmax")])
model.compile(loss=keras.losses.CategoricalCrossentropy(), optimizer=keras.optimizers.SGD(0.1))
def loss(*label):
    model.reset_metrics()
    return float(np.ravel(model.train_on_batch(np.zeros((1, 2), np.float32), np.array([label], np.float32), class_weight={0: 1.0, 1: 10.0}))[0])
mixed = [loss(0.6, 0.4), loss(0.4, 0.6)]
parts = [np.log(2) * (0.6 + 4), np.log(2) * (0.4 + 6)]
show("loss of label 0.6 0.4 by weights 1 10", f"{mixed[0]:.4g}, of 0.4 0.6 {mixed[1]:.4g} (weighted parts {words(parts)})")
np.testing.assert_allclose(mixed, [np.log(2), 10 * np.log(2)], rtol=1e-5)
np.testing.assert_allclose([loss(1, 0), loss(0, 1)], [np.log(2), 10 * np.log(2)], rtol=1e-5)

random = np.random.default_rng(0)
positive = random.uniform(size=2000) < 0.5
def areas(scores, **options):
    metric = keras.metrics.AUC(**options)
    metric.update_state(positive.astype(np.float32), scores.astype(np.float32))
    return float(metric.result()), roc_auc_score(positive, scores.astype(np.float32))
small = np.where(positive, 0.003, 0.001) * random.uniform(0.9, 1.1, 2000)
few, exact = areas(small)
many = areas(small, num_thresholds=2000)[0]
show("AUC of scores by 0.001 and 0.003", f"{few:.4g}, of 2000 thresholds {many:.4g} (scikit-learn {exact:.4g})")
assert few == 0.5 and exact == 1 and many > 0.999
few, exact = areas(1 / (1 + np.exp(-np.where(positive, 12, 8) - random.normal(size=2000).clip(-2, 2))))
show("AUC of confident logits' sigmoid", f"{few:.4g} (scikit-learn {exact:.3g})")
assert few == 0.5 and exact > 0.99
few, exact = areas(1 / (1 + np.exp(-np.where(positive, 2, -2) - random.normal(size=2000))))
assert abs(few - exact) < 0.01  # spread ones are right
PYTHON
