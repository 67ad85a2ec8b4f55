#!/usr/bin/env bash
# One set of scores, five libraries' top-k accuracy: equal scores and NaN are right, wrong, or right by the class's number.
#
# Versions   torch 2.15.0 (some 5 GB when installed), torchmetrics 1.9.0, torcheval 0.0.7, keras 3.15.1 (on torch), scikit-learn 1.9.1,
#            timm 1.0.31
# Guess      Accuracy is one number. A net that says the same of every image is right by chance, 10 % of ten classes and 50 % in
#            its best five; images whose scores are NaN are not recognised.
# What is so Keras's TopKCategoricalAccuracy counts a label that ties with the k-th as among them, so that a dead net has
#            100 %, with k=1 too, where its CategoricalAccuracy says 10 %. torcheval counts how many scores are larger: equal ones are right for k > 1,
#            and so is NaN, for nothing is larger, but not for k=1, where it takes argmax. torchmetrics and timm sort NaN first: an image
#            whose label's score alone is NaN is recognised. scikit-learn refuses NaN; it gives ties to the last class, torchmetrics to the first, timm
#            to one in the middle. Scores that saturate, as sigmoids or 8-bit outputs do, tie without a net being dead.
# Who is hit Whoever compares accuracies of two libraries, or takes the best epoch by top-5: the epoch whose loss became NaN has 100 %.
# Seen       ten classes, twenty images of each, in per cent    torchmetrics  torcheval   keras  sklearn    timm
#            all scores equal, top-1                                    10.0       10.0   100.0     10.0    10.0
#            all scores equal, top-5                                    50.0      100.0   100.0     50.0    50.0
#            all NaN, top-1                                             10.0       10.0     0.0  refused    10.0
#            all NaN, top-5                                             50.0      100.0     0.0  refused    50.0
#            the label's score NaN, top-1                              100.0      100.0     0.0  refused   100.0
#            sigmoid(40 x), top-1                                       23.0       23.0    72.5     22.5    23.5
#            keras's CategoricalAccuracy, all scores equal: 10.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.15.0 torchmetrics==1.9.0 torcheval==0.0.7 keras==3.15.1 scikit-learn==1.9.1 timm==1.0.31
KERAS_BACKEND=torch venv/bin/python -W ignore - 2>/dev/null <<'PYTHON'
import keras
import numpy
import timm.utils
import torch
import torcheval.metrics
import torchmetrics.classification
from sklearn.metrics import top_k_accuracy_score

CLASSES = 10
labels = numpy.repeat(numpy.arange(CLASSES), 20)


def torchmetrics_(scores, k):
    metric = torchmetrics.classification.MulticlassAccuracy(CLASSES, top_k=k, average="micro")
    return metric(torch.tensor(scores), torch.tensor(labels))


def torcheval_(scores, k):
    return torcheval.metrics.MulticlassAccuracy(k=k).update(torch.tensor(scores), torch.tensor(labels)).compute()


def keras_(scores, k):
    metric = keras.metrics.TopKCategoricalAccuracy(k)
    metric.update_state(numpy.eye(CLASSES, dtype="float32")[labels], scores)
    return metric.result()


def sklearn_(scores, k):
    return top_k_accuracy_score(labels, scores, k=k)


def timm_(scores, k):
    return timm.utils.accuracy(torch.tensor(scores), torch.tensor(labels), topk=(k,))[0] / 100


libraries = [torchmetrics_, torcheval_, keras_, sklearn_, timm_]
print(f"{'':40}" + "".join(f"{library.__name__[:-1]:>13}" for library in libraries))


def measure(title, scores, k):
    found = []
    for library in libraries:
        try:
            found.append(round(100 * float(library(scores, k)), 2))
        except ValueError:
            found.append("refused")
    print(f"{f'{title}, top-{k}':40}" + "".join(f"{value:>13}" for value in found))
    return found


random = numpy.random.default_rng(0)
scores = random.normal(size=(len(labels), CLASSES)).astype("float32")
scores[numpy.arange(len(labels)), labels] += 1
# Where nothing ties all agree.
for k in (1, 5):
    assert len(set(measure("no ties", scores, k))) == 1
equal = numpy.zeros_like(scores)
nan = numpy.full_like(scores, numpy.nan)
own = scores.copy()
own[numpy.arange(len(labels)), labels] = numpy.nan
saturated = (1 / (1 + numpy.exp(-40 * scores))).astype("float32")
assert measure("all scores equal", equal, 1) == [10, 10, 100, 10, 10]
assert measure("all scores equal", equal, 5) == [50, 100, 100, 50, 50]
assert measure("all NaN", nan, 1) == [10, 10, 0, "refused", 10]
assert measure("all NaN", nan, 5) == [50, 100, 0, "refused", 50]
assert measure("the label's score NaN", own, 1) == [100, 100, 0, "refused", 100]
assert len(set(measure("sigmoid(40 x)", saturated, 1))) >= 3
top1 = keras.metrics.CategoricalAccuracy()
top1.update_state(numpy.eye(CLASSES, dtype="float32")[labels], equal)
print(f"keras's CategoricalAccuracy, all scores equal: {100 * float(top1.result()):.1f}")
assert abs(float(top1.result()) - 0.1) < 1e-6
# To whom a tie goes: a dead net's accuracy on images of one class alone.
labels = numpy.full(20, CLASSES - 1)
last = torchmetrics_(equal[:20], 1), top_k_accuracy_score(labels, equal[:20], k=1, labels=numpy.arange(CLASSES))
print(f"images of the last class alone: {100 * float(last[0]):.0f} % by torchmetrics, {100 * float(last[1]):.0f} % by scikit-learn")
assert [float(value) for value in last] == [0, 1]
PYTHON
