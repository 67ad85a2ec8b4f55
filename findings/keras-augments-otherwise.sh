#!/usr/bin/env bash
# Keras's augmentation layers: half of the pictures turn grey, contrast only rises, RandAugment's weakest step leaves two levels, and more.
#
# Versions   keras 3.15.1 on its numpy backend (which wants jax 0.10.2 as well), numpy 2.4.6
# Guess      A single number as factor means what the layer's docs say: RandomContrast 1 less and 1 more of it, RandomSaturation and
#            RandomColorDegeneration 0 up to it, RandomErasing(1.0) "always". Inverting (-1, 1) changes the sign. Each picture of a batch is augmented by itself.
#            A small factor of RandAugment is a small change. A plain picture has no edge to sharpen or to blur.
# What is so RandomContrast(0.5) draws from 1 to 1.5: contrast is never less. RandomSaturation(0.5), and saturation_factor of
#            RandomColorJitter, draw from -0.5: the negative half turns the picture grey, whatever the factor, and saturation above 1 is not
#            cut off: 160, 120, 80 becomes 160, -200, -560. RandomColorDegeneration draws from -0.5 too: half the pictures get more colour. RandomErasing and
#            RandomInvert of 1.0 do something to every second picture, the "noise" of erasing is half zeros and a sixth 255.
#            RandomInvert takes the range's top less the pixel, wherever the bottom is. Solarization(addition_factor=(0.2, 0.2)) adds 0.2 to 51,
#            its threshold likewise. Equalization counts the whole batch's pixels in one histogram, and does nothing at inference, where its docs have it
#            "consistently applied". AutoContrast with channels_first stretches each column by itself. RandomSharpness and
#            RandomGaussianBlur see black around the picture: its border darkens. RandomCrop has one place for the whole batch, and
#            the middle for all where one side fits; of a narrow picture it squeezes 30x20 into 32x32. RandomPerspective never moves the
#            upper left corner. RandAugment keeps int(8 * factor) bits at most, 1 at least: 0.1 leaves 0 and 128, the paper's weakest leaves 8 bits; its
#            rotation is up to factor * 360 degrees, one way only; one draw of operations is for the whole batch.
# Cause      keras/src/layers/preprocessing/image_preprocessing/: _set_factor of base_image_preprocessing_layer.py makes (-factor, factor) cut to
#            _FACTOR_BOUNDS, which are (0, 1) for RandomContrast and (-1, 1) for saturation and colour; get_random_transformation of
#            solarization.py multiplies the upper bound by 255 alone; _equalize_channel takes images[..., i]; auto_contrast.py has
#            axis=(1, 2) for both layouts; random_sharpness.py and gaussian_blur pad with zeros; random_perspective.py moves a corner by a part of its
#            coordinates, which are 0; rand_augment.py hands one factor to eleven layers.
# Who is hit Classifiers trained in Keras with these layers: with RandomColorJitter half the pictures have no colour, in any recipe.
# Seen       RandomContrast(0.5), factors                      1 to 1.5
#            RandomSaturation(0.5), share of grey              0.504, RandomColorJitter(saturation_factor=0.1) 0.504
#            RandomSaturation((0.9, 0.9)) of 160 120 80        160 -200 -560
#            RandomColorDegeneration(0.5), colour left         0.5 to 1.5
#            RandomErasing(1.0), RandomInvert(1.0), share      0.468 0.497, with (1, 1) 1 1
#            RandomErasing's noise, share of 0 and of 255      0.5 0.158
#            RandomInvert of -0.5 0 0.5 in -1 to 1             1.5 1 0.5
#            Solarization of 100, addition (0.2, 0.2)          104 to 155 (104 when 51 is added)
#            Equalization of 0 to 99, largest                  255 alone, 127 beside a bright picture, 99 at inference
#            AutoContrast of a row, channels first and last    0 0 0 0, 0 77.27 154.5 231.8
#            plain 100 by RandomSharpness, RandomGaussianBlur  corner 61.54 52.7, middle 100 100
#            RandomCrop of 40x40, places in a batch of 64      1; of 32x40 in 50 draws 1 (column 4); of 40x20 rows 10 to 39, columns 0 to 19
#            RandomPerspective, corner that stays, the others  1 of 1, 0.02 to 0.14 of 1
#            RandAugment(0.1, num_ops=1): at most two levels   in 0.10 of the draws, 3-bit at most at 0.5 in 0.05
#            RandAugment(0.5), degrees of rotation             0 to 180
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 numpy==2.4.6 jax==0.10.2
KERAS_HOME="$folder" KERAS_BACKEND=${KERAS_BACKEND:-numpy} venv/bin/python -W ignore - <<'PYTHON'
import numpy as np
from keras import layers


def show(title, text):
    print(f"{title:50}{text}")


def words(values):
    return " ".join(f"{float(v):.4g}" for v in np.ravel(values))


def apply(layer, pictures, **options):
    """What the layer makes of float32 pictures, in training unless said otherwise."""
    return np.asarray(layer(np.array(pictures, np.float32), **{"training": True, **options}))


def plain(colour, count=4000, size=4):
    return np.tile(np.array(colour, np.float32), (count, size, size, 1))


def saturations(pictures):
    return 1 - pictures.min((1, 2, 3)) / pictures.max((1, 2, 3))


# Contrast: two rows 40 apart.
rows = plain([100] * 3, size=2)
rows[:, 1] += 40
found = apply(layers.RandomContrast(0.5, seed=1), rows)
factors = (found[:, 1] - found[:, 0])[:, 0, 0] / 40
show("RandomContrast(0.5), factors", f"{factors.min():.3g} to {factors.max():.3g}")
assert 0.999 < factors.min() < 1.01 and 1.49 < factors.max() < 1.501
# As the docs have it when the pair is given? The lower bound is a part too.
found = apply(layers.RandomContrast((0.5, 0.5), seed=1), rows)
factors = (found[:, 1] - found[:, 0])[:, 0, 0] / 40
assert 0.499 < factors.min() < 0.51 and 1.49 < factors.max() < 1.501

colour = plain([160, 120, 80])  # a saturation of 0.5
grey = (saturations(apply(layers.RandomSaturation(0.5, seed=1), colour)) < 1e-5).mean()
jitter = (saturations(apply(layers.RandomColorJitter(saturation_factor=0.1, seed=1), colour)) < 1e-5).mean()
show("RandomSaturation(0.5), share of grey", f"{grey:.3f}, RandomColorJitter(saturation_factor=0.1) {jitter:.3f}")
assert 0.45 < grey < 0.55 and 0.45 < jitter < 0.55
assert (saturations(apply(layers.RandomSaturation((0.0, 0.5), seed=1), colour)) < 1e-5).mean() < 0.01
beyond = apply(layers.RandomSaturation((0.9, 0.9)), colour)[0, 0, 0]
show("RandomSaturation((0.9, 0.9)) of 160 120 80", words(beyond))
assert abs(beyond - [160, -200, -560]).max() < 0.1
np.testing.assert_allclose(apply(layers.RandomSaturation((0.5, 0.5)), colour), colour, atol=0.01)
found = apply(layers.RandomColorDegeneration(0.5, seed=1), colour)
left = (found[..., 0] - found[..., 2])[:, 0, 0] / 80
show("RandomColorDegeneration(0.5), colour left", f"{left.min():.2g} to {left.max():.2g}")
assert left.min() < 0.51 and left.max() > 1.49 and 0.45 < (left > 1).mean() < 0.55

# How often, and with what.
dark = plain([10, 20, 30], size=32, count=1000)
erased = lambda factor: (apply(layers.RandomErasing(factor, fill_value=0, seed=1), dark).min((1, 2, 3)) == 0).mean()
inverted = lambda factor: (apply(layers.RandomInvert(factor, seed=1), dark)[:, 0, 0, 0] > 100).mean()
shares = [erased(1.0), inverted(1.0), erased((1, 1)), inverted((1, 1))]
show("RandomErasing(1.0), RandomInvert(1.0), share", f"{shares[0]:.3f} {shares[1]:.3f}, with (1, 1) {words(shares[2:])}")
assert all(0.44 < s < 0.56 for s in shares[:2]) and shares[2:] == [1, 1]
noise = apply(layers.RandomErasing((1, 1), seed=1), dark + 900)
noise = noise[noise < 900]
show("RandomErasing's noise, share of 0 and of 255", f"{(noise == 0).mean():.2g} {(noise == 255).mean():.3f}")
assert abs((noise == 0).mean() - 0.5) < 0.01 and abs((noise == 255).mean() - 0.1587) < 0.01
found = apply(layers.RandomInvert((1, 1), value_range=(-1, 1)), plain([-0.5, 0, 0.5]))[0, 0, 0]
show("RandomInvert of -0.5 0 0.5 in -1 to 1", words(found))
assert found.tolist() == [1.5, 1, 0.5]
added = apply(layers.Solarization(addition_factor=(0.2, 0.2), seed=1), plain([100] * 3))
show("Solarization of 100, addition (0.2, 0.2)", f"{added.min():.3g} to {added.max():.3g} (104 when 51 is added)")
assert added.min() < 105 and added.max() > 153
threshold = apply(layers.Solarization(threshold_factor=(0.5, 0.5), seed=1), plain([100] * 3))
assert 0.7 < (threshold == 155).mean() < 0.85  # 100 lies below 127.5: none should be inverted

# By itself, or with the batch.
random = np.random.default_rng(0)
one, bright = random.integers(0, 100, (1, 16, 16, 1)), random.integers(100, 256, (1, 16, 16, 1))
equalize = layers.Equalization()
alone = apply(equalize, one).max()
beside = apply(equalize, np.concatenate([one, bright]))[0].max()
later = apply(equalize, one, training=False).max()
show("Equalization of 0 to 99, largest", f"{alone:g} alone, {beside:g} beside a bright picture, {later:g} at inference")
assert (alone, later) == (255, 99) and abs(beside - 127.5) < 3
ramp = np.arange(4) * 10.0 + np.arange(4)[:, None] + 100
first = apply(layers.AutoContrast(data_format="channels_first"), np.tile(ramp, (1, 3, 1, 1)))[0, 0, 0]
last = apply(layers.AutoContrast(), np.tile(ramp[..., None], (1, 1, 1, 3)))[0, 0, :, 0]
show("AutoContrast of a row, channels first and last", f"{words(first)}, {words(last)}")
assert abs(first).max() < 1e-3 and abs(last - (ramp[0] - 100) * 255 / 33).max() < 0.01

# Borders.
flat = plain([100] * 3, size=5, count=1)
sharp, blurred = apply(layers.RandomSharpness((0, 0)), flat), apply(layers.RandomGaussianBlur((1, 1), 3, (1.0, 1.0)), flat)
show("plain 100 by RandomSharpness, RandomGaussianBlur",
     f"corner {words([sharp[0, 0, 0, 0], blurred[0, 0, 0, 0]])}, middle {words([sharp[0, 2, 2, 0], blurred[0, 2, 2, 0]])}")
kernel = np.exp([-0.5, 0, -0.5])
assert abs(sharp[0, 0, 0, 0] - 800 / 13) < 0.01 and abs(blurred[0, 0, 0, 0] - 100 * (kernel[:2].sum() / kernel.sum()) ** 2) < 1
assert abs(sharp[0, 2, 2, 0] - 100) < 1e-3 and abs(blurred[0, 2, 2, 0] - 100) < 1e-3

# Places: channel 0 is the row, channel 1 the column.
places = lambda height, width: np.stack(np.mgrid[:height, :width], -1)[None]
crop = layers.RandomCrop(32, 32, seed=1)
batch = apply(crop, np.repeat(places(40, 40), 64, 0))[:, 0, 0]
wide = {tuple(apply(crop, places(32, 40))[0, 0, 0].tolist()) for _ in range(50)}
calls = {tuple(apply(crop, places(40, 40))[0, 0, 0].tolist()) for _ in range(50)}
narrow = apply(crop, places(40, 20))[0]
show("RandomCrop of 40x40, places in a batch of 64", f"{len(np.unique(batch, axis=0))}; of 32x40 in 50 draws {len(wide)} (column {min(wide)[1]:g}); "
     f"of 40x20 rows {narrow[0, 0, 0]:g} to {narrow[-1, 0, 0]:g}, columns {narrow[0, 0, 1]:g} to {narrow[0, -1, 1]:g}")
assert len(np.unique(batch, axis=0)) == 1 and wide == {(0, 4)} and len(calls) > 20
assert narrow.shape == (32, 32, 2) and narrow[[0, -1], 0, 0].tolist() == [10, 39] and narrow[0, [0, -1], 1].tolist() == [0, 19]
corners = np.zeros((500, 9, 9, 1))
for row in (0, -1):
    for column in (0, -1):
        corners[:, row, column] = 1
moved = apply(layers.RandomPerspective((1, 1), scale=1.0, seed=1), corners)
others = [moved[:, row, column, 0].mean() for row, column in ((0, -1), (-1, 0), (-1, -1))]
show("RandomPerspective, corner that stays, the others", f"{moved[:, 0, 0, 0].min():g} of 1, {min(others):.2f} to {max(others):.2f} of 1")
assert moved[:, 0, 0, 0].min() == 1 and max(others) < 0.5

# RandAugment on a ramp of all greys.
greys = np.tile(np.arange(256).reshape(1, 16, 16, 1), (1, 1, 1, 3))
def few(factor, levels):
    layer = layers.RandAugment(factor=factor, num_ops=1, seed=1)
    return np.mean([len(np.unique(apply(layer, greys))) <= levels for _ in range(300)])
weak, middle = few(0.1, 2), few(0.5, 8)
show("RandAugment(0.1, num_ops=1): at most two levels", f"in {weak:.2f} of the draws, 3-bit at most at 0.5 in {middle:.2f}")
assert abs(weak - 1 / 11) < 0.06 and abs(middle - 1 / 11) < 0.06
layer = layers.RandAugment(factor=0.5, num_ops=2, seed=1)
drawn = layer.get_random_transformation(plain([0] * 3))
angles = np.asarray(drawn["transforms"]["random_rotation"]["angle"])
show("RandAugment(0.5), degrees of rotation", f"{angles.min():.0f} to {angles.max():.0f}")
assert -0.01 < angles.min() < 1 and 179 < angles.max() <= 180.01 and drawn["layer_idxes"].shape == (2,)
PYTHON
