import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../core/random.ts';
import { HorizontalFlip } from '../../train/loader/augment/horizontal-flip.ts';
import { RandomCrop } from '../../train/loader/augment/random-crop.ts';

const size = { height: 5, width: 7 };

/** An image whose bytes are all different from each other and from the padding. */
function picture(): Uint8Array {
  return Uint8Array.from({ length: 3 * 5 * 7 }, (_, i) => i + 1);
}

/** Pads in a big array and copies the window out, pixel by pixel. */
function naiveCrop(image: Uint8Array, padding: number, top: number, left: number): Uint8Array {
  const { height, width } = size;
  const wide = width + 2 * padding;
  const high = height + 2 * padding;
  const padded = new Uint8Array(3 * high * wide);
  const out = new Uint8Array(image.length);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        padded[(c * high + y + padding) * wide + x + padding] = image[(c * height + y) * width + x]!;
      }
    }
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        out[(c * height + y) * width + x] = padded[(c * high + y + top) * wide + x + left]!;
      }
    }
  }
  return out;
}

for (const padding of [1, 4, 9]) {
  test(`random crop with padding ${padding} equals the naive one, for every offset`, () => {
    const crop = new RandomCrop(size, padding);
    const offsets = new Set<string>();
    const draws = 20 * (2 * padding + 1) ** 2;
    for (let seed = 0; seed < draws; seed++) {
      const image = picture();
      crop.apply(image, new Random(seed));
      const twin = new Random(seed);
      const top = twin.integer(2 * padding + 1);
      const left = twin.integer(2 * padding + 1);
      offsets.add(`${top} ${left}`);
      assert.deepEqual(image, naiveCrop(picture(), padding, top, left));
    }
    assert.equal(offsets.size, (2 * padding + 1) ** 2);
  });
}

test('an alternate flip has each image both ways in two epochs, and half of them each way in one', () => {
  const flip = new HorizontalFlip(size, { alternate: true });
  const isChanged = (seed: number, epoch: number, index: number): boolean => {
    const image = picture();
    flip.apply(image, new Random(seed, epoch, index), { seed, epoch, index });
    return image[0] !== 1;
  };
  const indices = Array.from({ length: 1000 }, (_, index) => index);
  const [first, second, third] = [0, 1, 2].map((epoch) => indices.map((index) => isChanged(7, epoch, index)));
  assert.deepEqual(
    second,
    first!.map((changed) => !changed),
  );
  assert.deepEqual(third, first);
  const flipped = first!.filter(Boolean).length;
  assert.ok(flipped > 430 && flipped < 570, `${flipped} of 1000`);
  assert.notDeepEqual(
    indices.map((index) => isChanged(8, 0, index)),
    first,
    'another seed draws others',
  );
});

test('horizontal flip mirrors rows of every channel, half of the time', () => {
  const flip = new HorizontalFlip(size);
  const mirrored = picture().map((_, i) => picture()[i - (i % 7) + 6 - (i % 7)]!);
  let flipped = 0;
  for (let seed = 0; seed < 2000; seed++) {
    const image = picture();
    flip.apply(image, new Random(seed));
    const changed = image[0] !== 1;
    assert.deepEqual(image, changed ? mirrored : picture());
    if (changed) flipped += 1;
  }
  assert.ok(flipped > 900 && flipped < 1100, `${flipped} of 2000`);
});
