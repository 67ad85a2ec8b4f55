import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ImageSize } from '../../train/loader/augment/transform.ts';

/** Byte of channel c, row y, column x and planar index i. */
type PixelFormula = (c: number, y: number, x: number, i: number) => number;

/** The i-th byte of a multiplicative hash. */
function noise(i: number): number {
  return (Math.imul(i, 2654435761) >>> 16) & 255;
}

/** A disc on a chequerboard. */
function blob(c: number, y: number, x: number): number {
  if ((x - 13) ** 2 + (y - 18) ** 2 < 90) return 230 - 70 * c;
  return (Math.floor(x / 4) + Math.floor(y / 4)) % 2 === 1 ? 60 + 30 * c : 160 - 5 * c;
}

/** The images of test/fixtures/augment/make_augment_fixtures.py, by the same formulas: height, width, byte. */
const FORMULAS: Record<string, [height: number, width: number, byte: PixelFormula]> = {
  noise: [32, 32, (_c, _y, _x, i) => noise(i)],
  gradient: [32, 32, (c, y, x) => x * 5 + y * 2 + c * 12],
  narrow: [32, 32, (c, _y, _x, i) => 90 + 20 * c + (noise(i) % 31)],
  blob: [32, 32, blob],
  flat: [32, 32, (c) => [200, 17, 255][c]!],
  sparse: [32, 32, (c, _y, _x, i) => (i % [7, 3, 2][c]! === 0 ? Math.min(noise(i), 250) : 250)],
  oblong: [12, 20, (_c, _y, _x, i) => noise(i + 5000)],
};

export interface FixtureImage extends ImageSize {
  name: string;
  /** A copy of its channel-planar bytes. */
  bytes(): Uint8Array;
}

export const FIXTURE_IMAGES: FixtureImage[] = Object.entries(FORMULAS).map(
  ([name, [height, width, byte]]) => {
    const bytes = Uint8Array.from({ length: 3 * height * width }, (_, i) => {
      const row = Math.floor(i / width);
      return byte(Math.floor(row / height), row % height, i % width, i);
    });
    return { name, height, width, bytes: () => bytes.slice() };
  },
);

/** As the fixtures state images: the first 8 bytes of their SHA-256 as hex. */
export function digest(image: Uint8Array): string {
  return createHash('sha256').update(image).digest('hex').slice(0, 16);
}

export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/augment/${name}`, import.meta.url), 'utf8')) as T;
}
