import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { CIFAR100_NORMALIZATION } from '../../core/data/cifar100.ts';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { evaluationBatches } from '../../core/preprocess/evaluation-batches.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import type { PixelImage } from '../../core/preprocess/pixel-image.ts';
import { flattenOverWhite, prepareImage } from '../../core/preprocess/prepare-image.ts';
import { centreRegion, cropImage } from '../../core/preprocess/region.ts';
import { resizeBilinear } from '../../core/preprocess/resize.ts';

const normalizer = new Normalizer(CIFAR100_NORMALIZATION);

test('values are (v / 255 - mean) / std rounded to float32', () => {
  const src = Uint8Array.from({ length: 768 }, (_, i) => i & 255);
  const dst = new Float32Array(768);
  normalizer.planar(src, 0, dst, 0, 256);
  const { mean, std } = CIFAR100_NORMALIZATION;
  for (let i = 0; i < 768; i++) {
    const c = i >> 8;
    assert.equal(dst[i], Math.fround(((i & 255) / 255 - mean[c]!) / std[c]!));
  }
  assert.equal(dst[0], Math.fround(-0.5071 / 0.2675));
});

test('planar, RGB and RGBA pixels give the same tensor, at any offset', () => {
  const pixels = 6;
  const rgba = Uint8ClampedArray.from({ length: 4 * pixels }, (_, i) => (i * 37) & 255);
  const rgb = new Uint8Array(3 * pixels);
  const planes = new Uint8Array(5 + 3 * pixels);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < 3; c++) {
      rgb[3 * p + c] = rgba[4 * p + c]!;
      planes[5 + c * pixels + p] = rgba[4 * p + c]!;
    }
  }
  const tensors = [0, 1, 2].map(() => new Float32Array(2 + 3 * pixels));
  normalizer.planar(planes, 5, tensors[0]!, 2, pixels);
  normalizer.interleaved(rgb, 3, tensors[1]!, 2, pixels);
  normalizer.interleaved(rgba, 4, tensors[2]!, 2, pixels);
  assert.deepEqual(tensors[1], tensors[0]);
  assert.deepEqual(tensors[2], tensors[0]);
  assert.deepEqual([...tensors[0]!.subarray(0, 2)], [0, 0]);
});

test('arrays that are too short are refused rather than read as undefined', () => {
  assert.throws(() => normalizer.planar(new Uint8Array(11), 0, new Float32Array(12), 0, 4), RangeError);
  assert.throws(() => normalizer.planar(new Uint8Array(12), 0, new Float32Array(12), 1, 4), RangeError);
  assert.throws(() => normalizer.interleaved(new Uint8Array(15), 4, new Float32Array(12), 0, 4), RangeError);
});

test('evaluation batches go through the split in order', () => {
  const { test: split, normalization } = makeSynthetic({ test: 25, splits: ['test'] });
  const batches = [...evaluationBatches(split, normalization, 10)];
  assert.deepEqual(
    batches.map((batch) => batch.size),
    [10, 10, 5],
  );
  assert.deepEqual(
    batches.flatMap((batch) => [...batch.labels]),
    [...split.labels],
  );
  const all = new Float32Array(25 * 3072);
  for (let i = 0; i < 25; i++)
    new Normalizer(normalization).planar(split.images, i * 3072, all, i * 3072, 1024);
  assert.deepEqual(Float32Array.from(batches.flatMap((batch) => [...batch.images])), all);
  assert.deepEqual([...evaluationBatches({ ...split, count: 0 }, normalization, 10)], []);
  assert.throws(() => evaluationBatches(split, normalization, 0).next(), RangeError);
});

/** The same pixels as test/fixtures/make-resize-pillow.py. */
function fixtureImage(width: number, height: number): PixelImage {
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (Math.imul(i, 2654435761) >>> 16) & 255,
  );
  return { data, width, height, channels: 3 };
}

test('resizing equals Pillow, bit for bit', async () => {
  const path = new URL('../fixtures/resize-pillow.json', import.meta.url);
  const { cases } = JSON.parse(await readFile(path, 'utf8')) as {
    cases: { from: [number, number]; to: [number, number]; pixels: number[] }[];
  };
  for (const { from, to, pixels } of cases) {
    const resized = resizeBilinear(fixtureImage(...from), ...to);
    assert.deepEqual([resized.width, resized.height], to);
    assert.deepEqual([...resized.data], pixels, `${from} -> ${to}`);
  }
});

test('an RGBA image gets the colours of its RGB twin', () => {
  const rgb = fixtureImage(20, 10);
  const data = new Uint8ClampedArray(20 * 10 * 4).fill(255);
  for (let p = 0; p < 200; p++) data.set(rgb.data.subarray(3 * p, 3 * p + 3), 4 * p);
  const small = resizeBilinear({ data, width: 20, height: 10, channels: 4 }, 8, 8);
  const twin = resizeBilinear(rgb, 8, 8);
  for (let p = 0; p < 64; p++) {
    assert.deepEqual(
      [...small.data.subarray(4 * p, 4 * p + 4)],
      [...twin.data.subarray(3 * p, 3 * p + 3), 255],
    );
  }
});

test('a size that fits already leaves the pixels alone', () => {
  const image = fixtureImage(32, 32);
  assert.equal(resizeBilinear(image, 32, 32).data, image.data);
  assert.throws(() => resizeBilinear(image, 0, 32), RangeError);
  assert.throws(() => resizeBilinear({ ...image, height: 33 }, 8, 8), RangeError);
});

test('the centre is cut in the wanted aspect ratio', () => {
  const wide = fixtureImage(5, 2);
  const square = cropImage(wide, centreRegion(wide, 1));
  assert.deepEqual([square.width, square.height], [2, 2]);
  assert.deepEqual([...square.data], [...wide.data.subarray(3, 9), ...wide.data.subarray(18, 24)]);
  assert.equal(cropImage(square, centreRegion(square, 1)), square);
  assert.deepEqual(centreRegion({ width: 9, height: 8 }, 2), { left: 0, top: 1, width: 9, height: 5 });
  assert.deepEqual(centreRegion({ width: 1, height: 900 }, 1), { left: 0, top: 449, width: 1, height: 1 });
  assert.throws(() => cropImage(wide, { left: 4, top: 0, width: 2, height: 2 }), /reaches out of 5x2/);
  assert.throws(() => cropImage(wide, { left: 0.5, top: 0, width: 2, height: 2 }), RangeError);
});

test('transparency is laid over white, rounded to the nearest', () => {
  const data = new Uint8Array(256 * 256 * 4);
  for (let p = 0; p < 256 * 256; p++) data.set([p & 255, 255 - (p & 255), 7, p >> 8], 4 * p);
  const flat = flattenOverWhite({ data, width: 256, height: 256, channels: 4 });
  for (let p = 0; p < 256 * 256; p++) {
    const alpha = (p >> 8) / 255;
    const want = [p & 255, 255 - (p & 255), 7].map((c) => Math.round(c * alpha + 255 * (1 - alpha)));
    assert.deepEqual([...flat.data.subarray(3 * p, 3 * p + 3)], want, `pixel ${p}`);
  }
  assert.equal(flattenOverWhite(flat), flat);
});

test('a region is prepared as a picture of its own', () => {
  const image = fixtureImage(90, 70);
  const region = { left: 11, top: 5, width: 50, height: 60 };
  const size = { width: 32, height: 32 };
  assert.deepEqual(
    prepareImage(image, size, region).data,
    resizeBilinear(cropImage(image, region), 32, 32).data,
  );
  assert.deepEqual(prepareImage(image, size).data, prepareImage(image, size, centreRegion(image, 1)).data);
});
