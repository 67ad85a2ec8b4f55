import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import type { Canvas } from '../../train/augment-sheet/canvas.ts';
import { drawSheet } from '../../train/augment-sheet/sheet.ts';
import { epochOrder } from '../../train/loader/epoch-order.ts';
import { DEFAULTS } from '../../train/recipe/settings.ts';

const dataset = makeSynthetic({ train: 40, splits: ['train'] });

/** The channel-planar 32 x 32 image at (top, left). */
function cut(canvas: Canvas, top: number, left: number): Uint8Array {
  return Uint8Array.from({ length: 3072 }, (_, i) => {
    const [c, y, x] = [Math.floor(i / 1024), Math.floor((i % 1024) / 32), i % 32];
    return canvas.pixels[((top + y) * canvas.width + left + x) * 3 + c]!;
  });
}

test('a row is an image and its variants; without augmentation these are the image', () => {
  const augment = { ...DEFAULTS, crop: 0, flip: false, augment: 'none' } as const;
  const canvas = drawSheet(dataset, { images: 3, variants: 2, seed: 5, augment });
  assert.deepEqual([canvas.height, canvas.width], [3 * 33 - 1, 32 + 4 + 33 + 32]);
  for (const [row, index] of epochOrder(40, 5, 0).slice(0, 3).entries()) {
    const original = dataset.train.images.slice(index * 3072, (index + 1) * 3072);
    for (const left of [0, 36, 69]) assert.deepEqual(cut(canvas, row * 33, left), original);
  }
});

test('variants are different from each other and from the original, and every pixel is enlarged', async () => {
  const augment = { ...DEFAULTS, augment: 'randaugment' } as const;
  const canvas = drawSheet(dataset, { images: 4, variants: 3, seed: 5, augment });
  for (let row = 0; row < 4; row++) {
    const images = [0, 36, 69, 102].map((left) => cut(canvas, row * 33, left).toString());
    assert.equal(new Set(images).size, 4);
  }
  const { data, info } = await sharp(await canvas.png(3))
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.height, info.width, info.channels], [canvas.height * 3, canvas.width * 3, 3]);
  for (let y = 0; y < info.height; y++) {
    for (let x = 0; x < info.width; x++) {
      const source = (Math.floor(y / 3) * canvas.width + Math.floor(x / 3)) * 3;
      for (let c = 0; c < 3; c++) {
        // A comparison that is cheap where it holds, for there are a hundred thousand.
        if (data[(y * info.width + x) * 3 + c] !== canvas.pixels[source + c]) assert.fail(`pixel ${x} ${y}`);
      }
    }
  }
});
