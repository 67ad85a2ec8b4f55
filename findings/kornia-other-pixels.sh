#!/usr/bin/env bash
# kornia's augmentations: Resize reads other pixels than kornia's own resize, "brightness" adds, shears are four times the paper's.
#
# Versions   kornia 0.9.0, torch 2.15.0 (some 5 GB when installed), torchvision 0.29.2 beside it
# Guess      kornia.augmentation.Resize is kornia.geometry.resize, which is PyTorch's interpolate and torchvision's resize. A factor of
#            brightness, contrast or saturation means what it does in torchvision and Pillow, where 1 is the picture and 0 black or grey.
#            RandAugment and AutoAugment have the papers' ranges and signs.
# What is so Resize, LongestMaxSize, SmallestMaxSize and RandomResizedCrop align the corners by default: half a source pixel of shift at each
#            edge when halving; antialias=True blurs and aligns as well. RandomBrightness and ColorJiggle add the factor less 1 (ColorJitter,
#            one letter away, multiplies), RandomContrast and ColorJiggle multiply without a mean, so that less contrast is a
#            darker picture, and saturation 0 is the largest channel, not the luminance. RandAugment's brightness is that addition: magnitude 1
#            of 30 makes a half-bright picture black. Its shears are the paper's number times 180 as degrees: 27 degrees for 0.15, which are
#            0.51 pixels a row, and 1.29 for 0.29. AutoAugment's tables run from -30 to 30: magnitude 5 of rotate is about none, 0 is the
#            strongest backwards, and there is no random sign.
# Cause      Resize and RandomResizedCrop have align_corners=True in their signatures; RandomBrightness hands factor - 1 to adjust_brightness,
#            which adds; ShearX and ShearY in auto/operations/ops.py multiply by 180; auto/autoaugment/ops.py. Some of it is written in
#            the classes' "Convention" paragraphs, none is said at run time.
# Who is hit Training with kornia and serving with torchvision, Pillow or a Resize in the file; whoever takes a recipe's magnitudes.
# Seen       0..7 halved: kornia.augmentation.Resize        0 2.333 4.667 7
#            0..7 halved: kornia.geometry.resize            0.5 2.5 4.5 6.5
#            0..7 halved: torchvision                       0.5 2.5 4.5 6.5
#            0..7 halved: RandomResizedCrop of all          0 2.333 4.667 7
#            brightness 1.3 of 0 and 0.5: RandomBrightness  0.3 0.8
#            brightness 1.3 of 0 and 0.5: ColorJiggle       0.3 0.8
#            brightness 1.3 of 0 and 0.5: ColorJitter       0 0.65
#            contrast 0.5 of plain 0.5: RandomContrast      0.25, torchvision 0.5
#            saturation 0 of .8 .4 .2: RandomSaturation     0.8 0.8 0.8, torchvision 0.4967
#            RandAugment, brightness of 0.5, magnitude 1    0 (by a factor 0.08)
#            RandAugment, shear_x, magnitudes 15 and 29     0.5 1.3 pixels a row (the paper 0.15 0.29)
#            AutoAugment, rotate at 0, 5, 9, degrees        -29.5 to -23.4, 0 to 5.7, 23.4 to 29.5
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet kornia==0.9.0 torch==2.15.0 torchvision==0.29.2
venv/bin/python -W ignore - <<'PYTHON'
import kornia
import kornia.augmentation as K
import torch
from kornia.augmentation.auto import AutoAugment, RandAugment
from torchvision.transforms.v2 import functional

torch.manual_seed(0)


def show(title, *values):
    print(f"{title:47}{' '.join(f'{float(value) + 0.0:.4g}' for value in values)}")


def same(found, right):
    return torch.allclose(torch.as_tensor(found), torch.as_tensor(right), atol=2e-3)


ramp = torch.arange(8.0).expand(1, 3, 8, 8).contiguous() / 7
aligned, right = [0.0, 7 / 3, 14 / 3, 7.0], [0.5, 2.5, 4.5, 6.5]
crop = K.RandomResizedCrop((4, 4), scale=(1.0, 1.0), ratio=(1.0, 1.0), p=1.0)
for title, halved, values in (
    ("kornia.augmentation.Resize", K.Resize((4, 4))(ramp), aligned),
    ("kornia.geometry.resize", kornia.geometry.resize(ramp, (4, 4)), right),
    ("torchvision", functional.resize(ramp, [4, 4], antialias=False), right),
    ("RandomResizedCrop of all", crop(ramp), aligned),
):
    show("0..7 halved: " + title, *(halved[0, 0, 0] * 7))
    assert same(halved[0, 0, 0] * 7, values), title

pair = torch.tensor([0.0, 0.5]).view(1, 1, 1, 2).expand(1, 3, 4, 2).contiguous()
for title, jitter, values in (
    ("RandomBrightness", K.RandomBrightness((1.3, 1.3), p=1.0), [0.3, 0.8]),
    ("ColorJiggle", K.ColorJiggle(brightness=(1.3, 1.3), p=1.0), [0.3, 0.8]),
    ("ColorJitter", K.ColorJitter(brightness=(1.3, 1.3), p=1.0), [0.0, 0.65]),
):
    found = jitter(pair)[0, 0, 0]
    show("brightness 1.3 of 0 and 0.5: " + title, *found)
    assert same(found, values), title
assert same(functional.adjust_brightness(pair, 1.3)[0, 0, 0], [0.0, 0.65])

plain = torch.full((1, 3, 8, 8), 0.5)
found, right = K.RandomContrast((0.5, 0.5), p=1.0)(plain), functional.adjust_contrast(plain, 0.5)
show("contrast 0.5 of plain 0.5: RandomContrast", found[0, 0, 0, 0], right[0, 0, 0, 0])
assert same(found.mean(), 0.25) and same(right.mean(), 0.5)
colour = torch.tensor([0.8, 0.4, 0.2]).view(1, 3, 1, 1).expand(1, 3, 8, 8).contiguous()
found, right = K.RandomSaturation((0.0, 0.0), p=1.0)(colour), functional.adjust_saturation(colour, 0.0)
show("saturation 0 of .8 .4 .2: RandomSaturation", *found[0, :, 0, 0], right[0, 0, 0, 0])
assert same(found.mean(), 0.8) and same(right[0, 0, 0, 0], 0.497)

dark = RandAugment(1, 1, policy=[[("brightness", 0.1, 1.9)]])(plain)
show("RandAugment, brightness of 0.5, magnitude 1", dark[0, 0, 0, 0])
assert same(dark.mean(), 0.0)
line = torch.zeros(1, 1, 201, 201)
line[..., 100] = 1


def slopes(augment, rows=1):
    """How many pixels an upright line leans per row, in each picture of a batch."""
    leaning = augment(line.expand(rows, 1, 201, 201).contiguous())[:, 0]
    return (leaning[:, 70].argmax(-1) - leaning[:, 130].argmax(-1)) / 60


shears = [slopes(RandAugment(1, m, policy=[[("shear_x", -0.3, 0.3)]])).abs() for m in (15, 29)]
show("RandAugment, shear_x, magnitudes 15 and 29", *shears)
assert abs(shears[0] - 0.51) < 0.02 and abs(shears[1] - 1.28) < 0.03
for bin, low, high in ((0, -30, -24), (5, 0, 6), (9, 24, 30)):
    angles = torch.rad2deg(torch.atan(-slopes(AutoAugment([[("rotate", 1.0, bin)]]), 32)))
    show(f"AutoAugment, rotate at {bin}, degrees", angles.min(), angles.max())
    assert angles.min() > low - 1.5 and angles.max() < high + 1.5
PYTHON
