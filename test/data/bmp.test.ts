import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { decodeBmp } from '../../core/image/bmp.ts';

interface Fixture {
  pillow: string;
  files: { name: string; file: string; width: number; height: number; pixels: number[] }[];
}

const FIXTURE = JSON.parse(
  readFileSync(new URL('../fixtures/data/bmp.json', import.meta.url), 'utf8'),
) as Fixture;
const bytesOf = (name: string): Uint8Array =>
  new Uint8Array(Buffer.from(FIXTURE.files.find((entry) => entry.name === name)!.file, 'base64'));

describe(`bitmaps have the pixels that Pillow ${FIXTURE.pillow} reads`, () => {
  for (const { name, width, height, pixels } of FIXTURE.files) {
    it(name, () => {
      const image = decodeBmp(bytesOf(name));
      assert.deepEqual([image.width, image.height], [width, height]);
      assert.deepEqual(image.channels, pixels.length / (width * height));
      // Pillow spreads five and six bits over eight in another way of rounding.
      const slack = name.startsWith('16 bits') ? 1 : 0;
      for (const [i, expected] of pixels.entries()) {
        assert.ok(Math.abs(image.data[i]! - expected) <= slack, `${i}: ${image.data[i]} for ${expected}`);
      }
    });
  }
});

it('what is cut off, compressed or no bitmap is refused', () => {
  const whole = bytesOf('24 bits, from the top');
  for (let size = 0; size < whole.length; size++) {
    assert.throws(() => decodeBmp(whole.slice(0, size)), /cut off|header/, `${size} bytes`);
  }
  const changed = (at: number, ...values: number[]): Uint8Array => {
    const copy = whole.slice();
    copy.set(values, at);
    return copy;
  };
  assert.throws(() => decodeBmp(changed(30, 1)), /compression 1 is not read/);
  assert.throws(() => decodeBmp(changed(18, 0xff, 0xff, 0xff, 0x7f)), /pixel limit/);
  assert.throws(() => decodeBmp(changed(18, 0, 0, 0, 0)), /0 x 3 pixels/);
  assert.throws(() => decodeBmp(changed(28, 2)), /2 bits is not read/);
  const palette = bytesOf('4 bits, palette');
  // A palette of two colours only, for pixels of fifteen.
  palette.copyWithin(54 + 8, 54 + 64);
  palette[10] = 54 + 8;
  assert.throws(() => decodeBmp(palette), /no colour \d+ in its palette|cut off/);
});
