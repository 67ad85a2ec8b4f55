#!/usr/bin/env bash
# sharp resizes a JPEG to other pixels than the picture that it decodes from it, fastShrinkOnLoad: false or not.
#
# Versions   sharp 0.35.5 (libvips' prebuilt packages), Node 20
# Guess      sharp(jpeg).resize(n, n) is the resized picture: the same, to a level, as decoding first and resizing the
#            pixels; fastShrinkOnLoad: false makes sure of it.
# What is so Where it shrinks by two or more, the JPEG decoder is told to give a half, a quarter or an eighth, by means of
#            its own, and the kernel sees only that. At 64 of 640 pixels a value is up to 31 of 255 off and 3 on
#            average. fastShrinkOnLoad: false only lessens it (up to 20). A PNG of the same pixels has none of it, nor
#            have targets above half the size.
# Who is hit Nets trained in Python (Pillow resizes the decoded pixels) and served in Node, thumbnails as training data;
#            the shift depends on the file's kind and size, so that a check with PNGs or small pictures passes.
#            Decoding to raw() first and resizing that is exact.
# Seen       640 to 64, farthest of 255: JPEG 31, without fastShrinkOnLoad 20, PNG 0
#            640 to 200, farthest of 255: JPEG 11, without fastShrinkOnLoad 0, PNG 0
#            640 to 400, farthest of 255: JPEG 0, without fastShrinkOnLoad 0, PNG 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --ignore-scripts sharp@0.35.5 >/dev/null
cat >resize.mjs <<'JAVASCRIPT'
import sharp from 'sharp';

const SIZE = 640;
const pixels = Buffer.alloc(SIZE * SIZE * 3);
// Rings that get finer to the right and below.
for (let at = 0; at < SIZE * SIZE; at++) {
  const [x, y] = [at % SIZE, Math.floor(at / SIZE)];
  pixels.fill(127 + 100 * Math.sin(x ** 2 / 900) * Math.cos(y ** 2 / 1200), at * 3, at * 3 + 3);
}
const image = { raw: { width: SIZE, height: SIZE, channels: 3 } };
const jpeg = await sharp(pixels, image).jpeg({ quality: 95 }).toBuffer();
const decoded = await sharp(jpeg).raw().toBuffer();
const png = await sharp(decoded, image).png().toBuffer();

const off = {};
for (const size of [64, 200, 400]) {
  const resize = (input, options, more) => sharp(input, options).resize(size, size, more).raw().toBuffer();
  const exact = await resize(decoded, image);
  const found = {
    JPEG: await resize(jpeg),
    'without fastShrinkOnLoad': await resize(jpeg, {}, { fastShrinkOnLoad: false }),
    PNG: await resize(png),
  };
  off[size] = Object.values(found).map((values) => values.reduce((most, value, i) => Math.max(most, Math.abs(value - exact[i])), 0));
  const text = Object.keys(found).map((name, i) => `${name} ${off[size][i]}`);
  console.log(`640 to ${size}, farthest of 255: ${text.join(', ')}`);
}
if (off[64][0] < 10 || off[64][1] < 10) throw new Error('a JPEG is resized as its pixels are now');
if (off[400].some((value) => value > 1) || off[64][2] > 1) throw new Error('what was exact is off now');
JAVASCRIPT
node resize.mjs
