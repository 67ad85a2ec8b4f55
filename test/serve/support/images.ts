import sharp, { type Sharp } from 'sharp';
import { Random } from '../../../core/random.ts';

/** Noise, interleaved RGB bytes, [height * width * 3]; another seed is another image. */
export function noise(seed: number, width = 32, height = 32): Uint8Array {
  const random = new Random(seed);
  return Uint8Array.from({ length: width * height * 3 }, () => Math.floor(random.uniform() * 256));
}

export function fromRgb(pixels: Uint8Array, width = 32, height = 32): Sharp {
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

export async function noisePng(seed: number, width = 32, height = 32): Promise<Uint8Array<ArrayBuffer>> {
  const png = await fromRgb(noise(seed, width, height), width, height)
    .png()
    .toBuffer();
  return new Uint8Array(png);
}
