import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpName } from '../../train/loader/augment/ops/op.ts';
import { CIFAR10_POLICY } from '../../train/loader/augment/policy/cifar10-policy.ts';
import {
  autoAugmentSpace,
  randAugmentSpace,
  trivialAugmentSpace,
} from '../../train/loader/augment/policy/magnitudes.ts';
import { readFixture } from './fixture-images.ts';

interface SpacesFixture {
  /** AutoAugment's for an image of 12 rows and 20 columns. */
  oblong: Record<string, number[]>;
  ops: { space: string; op: OpName; signed: boolean; magnitudes: number[] }[];
}

const fixture = readFixture<SpacesFixture>('spaces.json');
const size = { height: 32, width: 32 };
const spaces = {
  autoaugment: autoAugmentSpace(size),
  randaugment: randAugmentSpace(size),
  trivialaugment: trivialAugmentSpace(),
};

for (const [name, space] of Object.entries(spaces)) {
  test(`the ops, magnitudes and signs of ${name} are torchvision's, to the bit and in their order`, () => {
    const ours = [...space].map(([op, range]) => ({ space: name, op, ...range }));
    const theirs = fixture.ops.filter((op) => op.space === name);
    assert.ok(theirs.length >= 14);
    assert.deepEqual(
      ours.map(({ space, op, signed, magnitudes }) => ({ space, op, signed, magnitudes })),
      theirs,
    );
  });
}

test('translations go by the height and width of the image', () => {
  const ours = [...autoAugmentSpace({ height: 12, width: 20 })].map(([op, range]) => [op, range.magnitudes]);
  assert.deepEqual(Object.fromEntries(ours), fixture.oblong);
});

test("the sub-policies are torchvision's", () => {
  const { cifar10 } = readFixture<{ cifar10: unknown }>('policies.json');
  assert.deepEqual(CIFAR10_POLICY, cifar10);
});
