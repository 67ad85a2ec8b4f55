import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../core/random.ts';
import { RandomErasing } from '../../train/loader/augment/random-erasing.ts';
import { readFixture } from './fixture-images.ts';

const KEYS = ['top', 'left', 'height', 'width'] as const;
type Box = Record<(typeof KEYS)[number], number>;

/** Statistics of the rectangles of torchvision's RandomErasing.get_params on images of 32 x 32. */
const theirs = readFixture<{ samples: number; mean: Box; std: Box }>('erasing.json');
const size = { height: 32, width: 32 };
/** The image lies between others, which must stay as they are. */
const BEFORE = 10;

/** The rectangle that was set to 0, the same in each channel; undefined if none was. */
function erasedBox(images: Float32Array): Box | undefined {
  const erased: number[] = [];
  for (let i = 0; i < images.length; i++) if (images[i] === 0) erased.push(i - BEFORE);
  if (erased.length === 0) return undefined;
  const inFirst = erased.filter((i) => i < 1024);
  const columns = inFirst.map((i) => i % 32);
  const [top, left] = [Math.floor(inFirst[0]! / 32), Math.min(...columns)];
  const height = Math.floor(inFirst.at(-1)! / 32) - top + 1;
  const width = Math.max(...columns) - left + 1;
  const expected = Array.from({ length: 3 * height * width }, (_, i) => {
    const row = Math.floor(i / width);
    return (Math.floor(row / height) * 32 + top + (row % height)) * 32 + left + (i % width);
  });
  assert.deepEqual(erased, expected);
  return { top, left, height, width };
}

test('erases one rectangle of all channels, as often, as large and where torchvision does', () => {
  const probability = 0.4;
  const erasing = new RandomErasing(size, probability);
  const draws = 10_000;
  const boxes: Box[] = [];
  for (let seed = 0; seed < draws; seed++) {
    const images = new Float32Array(BEFORE + 3072 + 20).fill(1);
    erasing.apply(images, BEFORE, new Random(seed));
    const box = erasedBox(images);
    if (box) boxes.push(box);
  }
  const deviation = Math.sqrt(draws * probability * (1 - probability));
  assert.ok(Math.abs(boxes.length - draws * probability) < 4 * deviation, `${boxes.length} erased`);
  for (const key of KEYS) {
    const mean = boxes.reduce((sum, box) => sum + box[key], 0) / boxes.length;
    const variance = boxes.reduce((sum, box) => sum + (box[key] - mean) ** 2, 0) / boxes.length;
    const meanError = theirs.std[key] * Math.sqrt(1 / boxes.length + 1 / theirs.samples);
    assert.ok(Math.abs(mean - theirs.mean[key]) < 4 * meanError, `mean ${key} ${mean}`);
    assert.ok(Math.abs(Math.sqrt(variance) / theirs.std[key] - 1) < 0.05, `deviation of ${key}`);
  }
});

test('a probability of 0 erases nothing', () => {
  const erasing = new RandomErasing(size, 0);
  for (let seed = 0; seed < 100; seed++) {
    const images = new Float32Array(3072).fill(1);
    erasing.apply(images, 0, new Random(seed));
    assert.ok(images.every((value) => value === 1));
  }
});
