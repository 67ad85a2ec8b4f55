import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../core/random.ts';
import { ColorJitter } from '../../train/loader/augment/color-jitter.ts';
import { hue } from '../../train/loader/augment/ops/hue.ts';
import {
  middleWindow,
  RandomResizedCrop,
  randomWindow,
  type Window,
} from '../../train/loader/augment/random-resized-crop.ts';
import { digest, FIXTURE_IMAGES, readFixture } from './fixture-images.ts';

const KEYS = ['top', 'left', 'height', 'width'] as const;
type Statistics = Record<(typeof KEYS)[number], number>;

/** What torchvision 0.29 makes on PIL images. */
const theirs = readFixture<{
  windows: { height: number; width: number; samples: number; mean: Statistics; std: Statistics }[];
  middle: [
    imageHeight: number,
    imageWidth: number,
    top: number,
    left: number,
    height: number,
    width: number,
  ][];
  cuts: [image: string, top: number, left: number, height: number, width: number, digest: string][];
  hues: [image: string, turn: number, digest: string][];
  jitters: [image: string, order: number[], factors: number[], digest: string][];
}>('photo.json');

const imageOf = (name: string) => FIXTURE_IMAGES.find((image) => image.name === name)!;

describe('RandomResizedCrop', () => {
  for (const { height, width, samples, mean, std } of theirs.windows) {
    it(`has windows as large, of such shapes and where torchvision's are, of ${height} x ${width}`, () => {
      const random = new Random(3);
      const draws = 20_000;
      const windows = Array.from({ length: draws }, () => randomWindow({ height, width }, 0.08, random));
      for (const window of windows) {
        assert.ok(window.top >= 0 && window.top + window.height <= height);
        assert.ok(window.left >= 0 && window.left + window.width <= width);
      }
      for (const key of KEYS) {
        const ours = windows.reduce((sum, window) => sum + window[key], 0) / draws;
        const variance = windows.reduce((sum, window) => sum + (window[key] - ours) ** 2, 0) / draws;
        const error = std[key] * Math.sqrt(1 / draws + 1 / samples);
        assert.ok(Math.abs(ours - mean[key]) < 4 * error, `mean ${key} ${ours}, theirs ${mean[key]}`);
        assert.ok(Math.abs(Math.sqrt(variance) / std[key] - 1) < 0.03, `deviation of ${key}`);
      }
    });
  }

  it('takes the middle where no shape fits', () => {
    for (const [height, width, ...window] of theirs.middle) {
      const found = middleWindow({ height, width });
      assert.deepEqual(
        KEYS.map((key) => found[key]),
        window,
      );
      assert.deepEqual(randomWindow({ height, width }, 1, new Random(1)), found);
    }
  });

  it("cuts and resizes to the byte as torchvision's resized_crop", () => {
    for (const [name, top, left, height, width, expected] of theirs.cuts) {
      const image = imageOf(name);
      const bytes = image.bytes();
      const crop = new RandomResizedCrop(image, 0.08);
      crop.cut(bytes, { top, left, height, width } satisfies Window);
      assert.equal(digest(bytes), expected, `${name} ${[top, left, height, width]}`);
    }
  });

  it('is a cut by a window of its own random numbers', () => {
    const image = imageOf('noise');
    const crop = new RandomResizedCrop(image, 0.08);
    const digests = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const [random, cut] = [image.bytes(), image.bytes()];
      crop.apply(random, new Random(seed));
      crop.cut(cut, randomWindow(image, 0.08, new Random(seed)));
      assert.deepEqual(random, cut);
      digests.add(digest(random));
    }
    assert.equal(digests.size, 20);
  });
});

describe('ColorJitter', () => {
  it("turns the hue to the byte as torchvision's adjust_hue", () => {
    for (const [name, turn, expected] of theirs.hues) {
      const image = imageOf(name);
      const bytes = image.bytes();
      hue(turn, image)(bytes);
      assert.equal(digest(bytes), expected, `${name} turned by ${turn}`);
    }
  });

  it("changes brightness, contrast, saturation and hue in any order as torchvision's", () => {
    for (const [name, order, factors, expected] of theirs.jitters) {
      const image = imageOf(name);
      const bytes = image.bytes();
      const jitter = new ColorJitter(image, []);
      for (const op of order) jitter.change(bytes, op, factors[op]!);
      assert.equal(digest(bytes), expected, `${name} ${order}`);
    }
  });

  it('draws each factor evenly from its range, in every order alike, and leaves out what has no strength', () => {
    const image = imageOf('blob');
    const strengths = [0.4, 1.5, 0, 0.1];
    const calls: [op: number, factor: number][][] = [];
    class Spy extends ColorJitter {
      override change(_image: Uint8Array, op: number, factor: number): void {
        calls.at(-1)!.push([op, factor]);
      }
    }
    const jitter = new Spy(image, strengths);
    const draws = 6000;
    const random = new Random(5);
    for (let i = 0; i < draws; i++) {
      calls.push([]);
      jitter.apply(image.bytes(), random);
    }
    const orders = new Map<string, number>();
    for (const call of calls) {
      const order = call.map(([op]) => op).join('');
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    assert.deepEqual([...orders.keys()].sort(), ['013', '031', '103', '130', '301', '310']);
    for (const count of orders.values()) assert.ok(Math.abs(count - draws / 6) < 4 * Math.sqrt(draws / 6));
    const ranges = [[0.6, 1.4], [0, 2.5], [], [-0.1, 0.1]];
    for (const op of [0, 1, 3]) {
      const [low, high] = ranges[op] as [number, number];
      const factors = calls.map((call) => call.find(([other]) => other === op)![1]);
      assert.ok(factors.every((factor) => factor >= low && factor <= high));
      const mean = factors.reduce((sum, factor) => sum + factor, 0) / draws;
      const deviation = (high - low) / Math.sqrt(12 * draws);
      assert.ok(Math.abs(mean - (low + high) / 2) < 4 * deviation, `mean of ${op}: ${mean}`);
      const widest = Math.max(...factors) - Math.min(...factors);
      assert.ok(widest > 0.99 * (high - low));
    }
  });
});
