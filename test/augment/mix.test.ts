import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../core/random.ts';
import { CutMix, cutMixBox } from '../../train/loader/augment/mix/cutmix.ts';
import { MixUp } from '../../train/loader/augment/mix/mixup.ts';
import type { BatchMix } from '../../train/loader/augment/transform.ts';
import { fillTargets } from '../../train/targets.ts';

const size = { height: 6, width: 8 };
const PIXELS = 48;
const BATCH = 5;

/** A batch in which every value is different. */
function batch(): Float32Array {
  return Float32Array.from({ length: BATCH * 3 * PIXELS }, (_, i) => i + 1);
}

function assertPermutation({ partner }: BatchMix): void {
  assert.deepEqual(
    [...partner].sort((a, b) => a - b),
    [0, 1, 2, 3, 4],
  );
}

test('the CutMix box is the one of the reference code', () => {
  // Worked out with numpy: lambda, column and row of the centre -> top, left, bottom, right of a 32 x 32 image.
  const cases = [
    [0.5, 16, 16, 5, 5, 27, 27],
    [0.5, 0, 31, 20, 0, 32, 11],
    [0.75, 3, 29, 21, 0, 32, 11],
    [0.99, 10, 20, 19, 9, 21, 11],
    [0.999, 10, 20, 20, 10, 20, 10],
    [0, 16, 16, 0, 0, 32, 32],
    [0, 31, 0, 0, 15, 16, 32],
    [1, 8, 8, 8, 8, 8, 8],
  ] as const;
  for (const [lambda, x, y, top, left, bottom, right] of cases) {
    const box = cutMixBox(lambda, x, y, { height: 32, width: 32 });
    assert.deepEqual(box, { top, left, bottom, right }, `lambda ${lambda}`);
  }
});

test('CutMix pastes one box of the partner, whole, and lambda is the share that is left', () => {
  const cutMix = new CutMix(size, 1, 1);
  const areas = new Set<number>();
  for (let seed = 0; seed < 300; seed++) {
    const images = batch();
    const mix = cutMix.apply(images, BATCH, new Random(seed))!;
    assertPermutation(mix);
    const area = PIXELS - Math.round(mix.lambda * PIXELS);
    areas.add(area);
    assert.ok(Math.abs(mix.lambda - (1 - area / PIXELS)) < 1e-12);
    const pasted = new Set<number>();
    const original = batch();
    for (let i = 0; i < images.length; i++) {
      const image = Math.floor(i / (3 * PIXELS));
      const partner = mix.partner[image]!;
      if (partner === image) assert.equal(images[i], original[i]);
      else if (images[i] !== original[i]) {
        assert.equal(images[i], original[i + (partner - image) * 3 * PIXELS]);
        pasted.add(i % PIXELS);
      }
    }
    if (mix.partner.every((partner, image) => partner === image)) continue;
    assert.equal(pasted.size, area);
    const rows = [...pasted].map((p) => Math.floor(p / size.width));
    const columns = [...pasted].map((p) => p % size.width);
    const spans = [rows, columns].map((list) => (area === 0 ? 0 : Math.max(...list) - Math.min(...list) + 1));
    assert.equal(spans[0]! * spans[1]!, area, 'what was pasted is a rectangle');
  }
  assert.ok(areas.size > 12, `${areas.size} different areas`);
});

test('CutMix leaves as many batches alone as its probability says', () => {
  const cutMix = new CutMix(size, 1, 0.3);
  let mixed = 0;
  for (let seed = 0; seed < 2000; seed++) {
    const images = batch();
    if (cutMix.apply(images, BATCH, new Random(seed))) mixed += 1;
    else assert.deepEqual(images, batch());
  }
  assert.ok(mixed > 520 && mixed < 680, `${mixed} of 2000`);
});

test('MixUp is lambda of each image and 1 - lambda of its partner', () => {
  const mixUp = new MixUp(1);
  for (let seed = 0; seed < 50; seed++) {
    const images = batch();
    const mix = mixUp.apply(images, BATCH, new Random(seed));
    assertPermutation(mix);
    assert.ok(mix.lambda > 0 && mix.lambda < 1);
    const original = batch();
    for (let i = 0; i < images.length; i++) {
      const shift = (mix.partner[Math.floor(i / (3 * PIXELS))]! - Math.floor(i / (3 * PIXELS))) * 3 * PIXELS;
      const expected = mix.lambda * original[i]! + (1 - mix.lambda) * original[i + shift]!;
      assert.ok(Math.abs(images[i]! - expected) < 1e-4);
    }
  }
});

test('mixed and smoothed targets are mixtures of smoothed targets', () => {
  const labels = [2, 0, 2];
  const mix = { lambda: 0.7, partner: Uint32Array.of(1, 0, 0) };
  const targets = new Float32Array(12).fill(9);
  fillTargets(labels, 4, targets, { smoothing: 0.2, mix });
  // Of 0.2, each class has 0.05; of the other 0.8, the image's own has 0.56 and the partner's 0.24.
  const expected = [0.29, 0.05, 0.61, 0.05, 0.61, 0.05, 0.29, 0.05, 0.05, 0.05, 0.85, 0.05];
  for (const [i, value] of expected.entries()) assert.ok(Math.abs(targets[i]! - value) < 1e-6, `value ${i}`);
});
