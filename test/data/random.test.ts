import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../core/random.ts';

test('is xoshiro128**: the first outputs of state 1, 2, 3, 4', () => {
  // The reference vector of the rand_xoshiro crate, generated with the authors' C code.
  const expected = [
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ];
  const random = Random.fromState(1, 2, 3, 4);
  assert.deepEqual(
    expected.map(() => random.nextUint32()),
    expected,
  );
});

test('seed and every part of the stream matter, and so does their order', () => {
  const keys = [[0], [1], [-1], [2 ** 32], [2 ** 40 + 1], [0, 0], [0, 1], [1, 0], [0, 0, 1], [0, 1, 0]];
  const first = keys.map(([seed, ...stream]) => new Random(seed!, ...stream).nextUint32());
  assert.equal(new Set(first).size, keys.length);
  const again = keys.map(([seed, ...stream]) => new Random(seed!, ...stream).nextUint32());
  assert.deepEqual(again, first);
});

test('first draws of neighbouring streams are uniform: there is one generator an image', () => {
  const counts = new Uint32Array(16);
  for (let index = 0; index < 32_000; index++)
    counts[Math.floor(new Random(3, 1, index).uniform() * 16)]! += 1;
  // Chi-squared with 15 degrees of freedom: 37.7 is passed once in a thousand seeds.
  const chi = counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
  assert.ok(chi < 37.7, `chi squared ${chi}`);
});

test('normal draws have mean 0, variance 1 and the right tails', () => {
  const random = new Random(5);
  const draws = Array.from({ length: 50_000 }, () => random.normal());
  const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
  const variance = draws.reduce((sum, x) => sum + x * x, 0) / draws.length - mean * mean;
  assert.ok(Math.abs(mean) < 0.02 && Math.abs(variance - 1) < 0.03, `${mean} ${variance}`);
  assert.ok(Math.abs(draws.filter((x) => Math.abs(x) < 1).length / draws.length - 0.6827) < 0.01);
});

test('integers cover their range evenly and refuse a bad one', () => {
  const random = new Random(9);
  const counts = new Uint32Array(7);
  for (let i = 0; i < 14_000; i++) counts[random.integer(7)]! += 1;
  assert.ok(counts.every((count) => count > 1800 && count < 2200));
  assert.equal(random.integer(1), 0);
  assert.ok(random.integer(2 ** 32) < 2 ** 32);
  for (const n of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN]) assert.throws(() => random.integer(n), RangeError);
});

test('shuffling keeps the items and gives every order', () => {
  const orders = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const items = new Random(seed).shuffle(['a', 'b', 'c']);
    assert.deepEqual([...items].sort(), ['a', 'b', 'c']);
    orders.add(items.join(''));
  }
  assert.equal(orders.size, 6);
});
