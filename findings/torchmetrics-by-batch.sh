#!/usr/bin/env bash
# torchmetrics: the same scores have another AUROC, accuracy and calibration error by the batch size; and top-1 beside top-5 leave out other classes.
#
# Versions   torch 2.15.0 (some 5 GB when installed), torchmetrics 1.9.0, scikit-learn 1.9.1
# Guess      A metric is filled batch by batch and comes to what it is of all at once. Logits may be given, and are recognised.
#            Macro accuracy is the mean over classes, and which classes does not depend on k.
# What is so Whether scores are logits is decided anew for each batch: those of a batch in which all happen to lie between 0 and 1 are
#            taken as probabilities, those of the next get a sigmoid or softmax, and both go into one figure. One image at a time,
#            as a validation of pictures of many sizes is run, many batches are so. A class without images counts as 0 in macro
#            accuracy, and in recall, at top_k=1, as soon as it is predicted once, and is left out at top_k=2 and more. And MulticlassAccuracy means
#            over classes where Accuracy(task="multiclass") of the same package means over images.
# Who is hit Multi-label and two-class nets that give logits, in small batches; a net of 1000 classes measured on a part of them: top-1
#            falls with the share of the classes that is there, top-5 does not.
# Seen       batch size                                     400      32       4       1
#            accuracy of two classes                      0.755   0.755   0.745   0.692
#            AUROC of two classes                         0.850   0.850   0.837   0.756
#            calibration error of ten classes             0.865   0.865   0.485   0.291
#            macro accuracy, seven of ten classes have images: 0.477 top-1, 0.853 top-2; of the seven alone 0.681
#            MulticlassAccuracy 0.477, Accuracy(task="multiclass") 0.680
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.15.0 torchmetrics==1.9.0 scikit-learn==1.9.1
venv/bin/python -W ignore - <<'PYTHON'
import torch
import torchmetrics
from sklearn.metrics import balanced_accuracy_score
from torchmetrics import classification

torch.manual_seed(0)
IMAGES = 400
SIZES = [IMAGES, 32, 4, 1]


def by_batch(title, make, scores, labels):
    found = []
    for size in SIZES:
        metric = make()
        for batch in zip(scores.split(size), labels.split(size)):
            metric.update(*batch)
        found.append(float(metric.compute()))
    print(f"{title:40}" + "".join(f"{value:8.3f}" for value in found))
    return found


print(f"{'batch size':40}" + "".join(f"{size:8}" for size in SIZES))
logits = torch.randn(IMAGES, 5) * 0.8
labels = (torch.rand(IMAGES, 5) < torch.sigmoid(2 * logits)).long()
for title, make in (
    ("accuracy of two classes", classification.BinaryAccuracy),
    ("AUROC of two classes", classification.BinaryAUROC),
):
    found = by_batch(title, make, logits[:, 0], labels[:, 0])
    assert found[0] - found[-1] > 0.03
    # As probabilities they are the same in all batches, and what the whole gave.
    found = by_batch("  of probabilities", make, logits[:, 0].sigmoid(), labels[:, 0])
    assert max(found) - min(found) < 1e-6
scores = torch.randn(IMAGES, 10) * 0.2 + 0.5
best = scores.argmax(1)
found = by_batch("calibration error of ten classes", lambda: classification.MulticlassCalibrationError(10), scores, best)
assert found[0] - found[-1] > 0.3
found = by_batch("  of probabilities", lambda: classification.MulticlassCalibrationError(10), scores.softmax(1), best)
assert max(found) - min(found) < 1e-6

labels = torch.randint(0, 7, (700,))
scores = torch.randn(700, 10)
scores[range(700), labels] += 2
top1, top2 = (float(classification.MulticlassAccuracy(10, top_k=k, average="macro")(scores, labels)) for k in (1, 2))
seven = balanced_accuracy_score(labels, scores.argmax(1))
print(f"macro accuracy, seven of ten classes have images: {top1:.3f} top-1, {top2:.3f} top-2; of the seven alone {seven:.3f}")
assert abs(top1 - 0.7 * seven) < 1e-5
rank2 = (scores.topk(2).indices == labels[:, None]).any(1)
assert abs(top2 - sum(float(rank2[labels == c].float().mean()) for c in range(7)) / 7) < 1e-5
ours = float(classification.MulticlassAccuracy(10)(scores, labels))
theirs = float(torchmetrics.Accuracy(task="multiclass", num_classes=10)(scores, labels))
print(f'MulticlassAccuracy {ours:.3f}, Accuracy(task="multiclass") {theirs:.3f}')
assert abs(ours - top1) < 1e-6 and theirs - ours > 0.1
PYTHON
