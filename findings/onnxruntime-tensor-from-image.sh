#!/usr/bin/env bash
# onnxruntime's Tensor.fromImage divides by `mean`, crops where it is told to resize and ignores `dataType`.
#
# Versions   onnxruntime-common 1.30.0 (it is onnxruntime-web's and onnxruntime-node's), @napi-rs/canvas 0.1.80
# Guess      norm: { mean, bias } is (pixel - mean) with something added; resizedWidth and resizedHeight resize;
#            dataType 'uint8' gives bytes; the options are the caller's.
# What is so The value is (pixel + bias) / mean: with ImageNet's means for `mean` a white picture is about 2 where
#            it should be 2.2 to 2.6 after the deviations, and no pixel is negative. Of an ImageData, unlike of an
#            image element, resizedWidth cuts off or fills up with black. dataType is in the types and is not
#            looked at: float32 comes out. `bias`, optional in the types, is a TypeError when left out. The options object that was passed has format, height and width after.
# Who is hit Pages that classify what a canvas holds; the classes are plausible and wrong.
# Seen       mean [123.675, 116.28, 103.53], white: 2.06 2.19 2.46; red at 0: 0.00
#            4 pixels white, resized to 8 wide: 1 1 1 1 0 0 0 0
#            dataType uint8: float32
#            options afterwards: norm format height width
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts onnxruntime-common@1.30.0 @napi-rs/canvas@0.1.80 >/dev/null
cat >image.mjs <<'JAVASCRIPT'
import { createCanvas, ImageData } from '@napi-rs/canvas';
import { Tensor } from 'onnxruntime-common';

// What a page has.
globalThis.ImageData = ImageData;
globalThis.OffscreenCanvas = class {
  constructor(width, height) {
    return createCanvas(width, height);
  }
  static [Symbol.hasInstance](canvas) {
    return 'getContext' in canvas;
  }
};
function picture(width, height, [r, g, b]) {
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let at = 0; at < pixels.length; at += 4) pixels.set([r, g, b, 255], at);
  return new ImageData(pixels, width, height);
}
const norm = { mean: [123.675, 116.28, 103.53], bias: 0 };
const options = { norm };
const white = await Tensor.fromImage(picture(1, 1, [255, 255, 255]), options);
const black = await Tensor.fromImage(picture(1, 1, [0, 0, 0]), { norm });
const row = (values) => [...values].map((value) => value.toFixed(2)).join(' ');
console.log(`mean [${norm.mean.join(', ')}], white: ${row(white.data)}; red at 0: ${black.data[0].toFixed(2)}`);
const wide = await Tensor.fromImage(picture(4, 1, [255, 255, 255]), { resizedWidth: 8, resizedHeight: 1 });
const red = [...wide.data.slice(0, 8)];
console.log(`4 pixels white, resized to 8 wide: ${red.join(' ')}`);
const bytes = await Tensor.fromImage(picture(1, 1, [9, 9, 9]), { dataType: 'uint8' });
console.log(`dataType uint8: ${bytes.type}`);
console.log(`options afterwards: ${Object.keys(options).join(' ')}`);
const same =
  Math.abs(white.data[0] - 255 / 123.675) < 1e-5 &&
  black.data[0] === 0 &&
  red.join('') === '11110000' &&
  bytes.type === 'float32' &&
  'width' in options;
if (!same) throw new Error('Tensor.fromImage is another now');
JAVASCRIPT
node image.mjs
