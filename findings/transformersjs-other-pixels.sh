#!/usr/bin/env bash
# transformers.js prepares other pixels than transformers from the same preprocessor_config.json.
#
# Versions   @huggingface/transformers 4.3.2 under Node, transformers 4.57.1, pillow 12.0.0
# Guess      One preprocessor_config.json, one result: size 32 of a ViT is 32 x 32, and resample 2 is Pillow's
#            bilinear filter, which averages when it shrinks.
# What is so `size: 32` makes the longer side 32 and keeps the shape (24 x 32 of 48 x 64), where Python makes it
#            square; a net with a fixed input then fails, one without sees other pictures. resample 2 and 3 take
#            four and sixteen neighbours however much is left out (no averaging): on noise, shrunk to half, a
#            value is more than 100 of 255 off. resample 1 (Lanczos) is averaged, and still up to 13 off.
#            resample 4 and 5 are said on the console and replaced by 2.
# Who is hit Who evaluates in Python and ships to the page: accuracy falls most for small nets on large photographs.
# Seen       size 32, ViT: Python 1x3x32x32, transformers.js 1x3x24x32
#            resample 2, {height, width}: largest distance 146 of 255
#            resample 3, shortest_edge and crop: largest distance 121 of 255
#            resample 1, {height, width}: largest distance 13 of 255
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts @huggingface/transformers@4.3.2 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet transformers==4.57.1 pillow==12.0.0 numpy==2.3.5
venv/bin/python - <<'PYTHON'
import json
import os

import numpy as np

np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8).tofile("noise.bin")
common = {"do_normalize": False, "do_rescale": True, "rescale_factor": 1 / 255}
square = {"height": 32, "width": 32}
for name, more in {
    "number": {"image_processor_type": "ViTImageProcessor", "size": 32, "resample": 2},
    "bilinear": {"image_processor_type": "ViTImageProcessor", "size": square, "resample": 2},
    "lanczos": {"image_processor_type": "ViTImageProcessor", "size": square, "resample": 1},
    "bicubic": {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": 32},
        "do_center_crop": True,
        "crop_size": {"height": 28, "width": 28},
        "resample": 3,
    },
}.items():
    os.mkdir(name)
    with open(f"{name}/preprocessor_config.json", "w") as file:
        json.dump({**common, **more}, file)
PYTHON
cat >pixels.mjs <<'JAVASCRIPT'
import { readFileSync, writeFileSync } from 'node:fs';
import { AutoImageProcessor, env, RawImage } from '@huggingface/transformers';

env.allowRemoteModels = false;
env.localModelPath = './';
const noise = new RawImage(new Uint8ClampedArray(readFileSync('noise.bin')), 64, 48, 3);
for (const name of ['number', 'bilinear', 'lanczos', 'bicubic']) {
  const processor = await AutoImageProcessor.from_pretrained(name);
  const { dims, data } = (await processor(noise)).pixel_values;
  writeFileSync(`${name}/shape.json`, JSON.stringify(dims));
  writeFileSync(`${name}/pixels.bin`, new Uint8Array(Float32Array.from(data).buffer));
}
JAVASCRIPT
node pixels.mjs
TRANSFORMERS_VERBOSITY=error venv/bin/python - 2>/dev/null <<'PYTHON'
import json

import numpy as np
from PIL import Image
from transformers import CLIPImageProcessor, ViTImageProcessor

noise = Image.fromarray(np.fromfile("noise.bin", np.uint8).reshape(48, 64, 3))


def python(name, kind):
    with open(f"{name}/preprocessor_config.json") as file:
        return kind(**json.load(file))(noise, return_tensors="np")["pixel_values"]


def distance(name, kind):
    shape = json.load(open(f"{name}/shape.json"))
    theirs = np.fromfile(f"{name}/pixels.bin", np.float32).reshape(shape)
    return float(np.abs(python(name, kind) - theirs).max() * 255)


def text(shape):
    return "x".join(map(str, shape))


number = json.load(open("number/shape.json"))
print(f"size 32, ViT: Python {text(python('number', ViTImageProcessor).shape)}, transformers.js {text(number)}")
bilinear = distance("bilinear", ViTImageProcessor)
bicubic = distance("bicubic", CLIPImageProcessor)
lanczos = distance("lanczos", ViTImageProcessor)
print(f"resample 2, {{height, width}}: largest distance {bilinear:.0f} of 255")
print(f"resample 3, shortest_edge and crop: largest distance {bicubic:.0f} of 255")
print(f"resample 1, {{height, width}}: largest distance {lanczos:.0f} of 255")
assert number == [1, 3, 24, 32], "a size that is a number is square now"
assert bilinear > 60 and bicubic > 60, "bilinear and bicubic average now"
assert 1 < lanczos < 60, "Lanczos is another now"
PYTHON
