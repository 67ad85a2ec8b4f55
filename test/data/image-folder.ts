import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { Random } from '../../core/random.ts';

/** A picture of noise around a colour, as raw interleaved RGB. */
export function noise(seed: number, width: number, height: number, color: readonly number[]): Buffer {
  const random = new Random(seed);
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0; i < pixels.length; i++) {
    pixels[i] = Math.max(0, Math.min(255, color[i % 3]! + random.integer(61) - 30));
  }
  return pixels;
}

/** The same as a file that sharp can go on with. */
export function picture(
  seed: number,
  width: number,
  height: number,
  color: readonly number[] = [128, 128, 128],
): Sharp {
  return sharp(noise(seed, width, height, color), { raw: { width, height, channels: 3 } });
}

/** Writes files, by their paths below `root`; text stands for itself. */
export async function writeTree(
  root: string,
  files: Record<string, string | Uint8Array | Sharp>,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    const plain = typeof content === 'string' || content instanceof Uint8Array;
    await writeFile(path, plain ? content : await content.toBuffer());
  }
}

export const CLASS_COLORS = { blue: [30, 30, 220], green: [30, 220, 30], red: [220, 30, 30] };

/** Three classes told apart by colour, so many images of each in both splits. */
export async function writeColors(root: string, train: number, test: number): Promise<void> {
  const files: Record<string, Sharp> = {};
  Object.entries(CLASS_COLORS).forEach(([name, color], label) => {
    for (const [split, count] of Object.entries({ train, test })) {
      for (let i = 0; i < count; i++) {
        const seed = 1000 * label + 2 * i + (split === 'train' ? 0 : 1);
        files[`${split}/${name}/${String(i).padStart(3, '0')}.png`] = picture(seed, 36, 32, color).png();
      }
    }
  });
  await writeTree(root, files);
}
