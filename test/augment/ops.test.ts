import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOp } from '../../train/loader/augment/ops/create-op.ts';
import { createScratch, OP_NAMES, type OpName } from '../../train/loader/augment/ops/op.ts';
import { digest, FIXTURE_IMAGES, readFixture } from './fixture-images.ts';

interface OpsFixture {
  /** Digest by image. */
  images: Record<string, string>;
  /** Results on the image "blob", base64. */
  whole: [op: OpName, magnitude: number, bytes: string][];
  /** A digest an image, in the order of `images`. */
  cases: [op: OpName, magnitude: number, ...digests: string[]][];
}

const fixture = readFixture<OpsFixture>('ops.json');
const scratches = FIXTURE_IMAGES.map(createScratch);

test('the images are those of the fixtures', () => {
  const digests = FIXTURE_IMAGES.map(({ name, bytes }) => [name, digest(bytes())]);
  assert.deepEqual(digests, Object.entries(fixture.images));
});

for (const name of OP_NAMES) {
  const cases = fixture.cases.filter(([op]) => op === name);
  test(`${name} is Pillow's to the byte at ${cases.length} magnitudes on ${FIXTURE_IMAGES.length} images`, () => {
    assert.ok(cases.length > 0);
    for (const [, magnitude, ...expected] of cases) {
      const results = FIXTURE_IMAGES.map(({ bytes }, i) => {
        const image = bytes();
        createOp(name, magnitude, scratches[i]!)(image);
        return digest(image);
      });
      assert.deepEqual(results, expected, `magnitude ${magnitude}`);
    }
  });
}

test('an op gives the same again: nothing stays behind in it or in the shared memory', () => {
  const { bytes } = FIXTURE_IMAGES[0]!;
  const ops = fixture.cases
    .filter(([, , first], i) => first !== fixture.cases[i - 1]?.[2])
    .map(([name, magnitude, first]) => ({ op: createOp(name, magnitude, scratches[0]!), first }));
  for (let round = 0; round < 2; round++) {
    for (const { op, first } of ops) {
      const image = bytes();
      op(image);
      assert.equal(digest(image), first);
    }
  }
});

for (const [name, magnitude, base64] of fixture.whole) {
  test(`${name} ${magnitude.toFixed(2)} of the disc on a chequerboard, byte by byte`, () => {
    const { bytes, ...size } = FIXTURE_IMAGES.find((image) => image.name === 'blob')!;
    const image = bytes();
    createOp(name, magnitude, createScratch(size))(image);
    assert.deepEqual(image, new Uint8Array(Buffer.from(base64, 'base64')));
  });
}
