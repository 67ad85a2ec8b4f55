import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { CIFAR100_NORMALIZATION } from '../../core/data/cifar100.ts';
import { encodeMetadata } from '../../core/model-metadata.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { Random } from '../../core/random.ts';
import type { EpochLog } from '../../train/loop.ts';

const EMBEDDED = fileURLToPath(new URL('../../models/resnet14t.onnx', import.meta.url));
/** Bytes of an image in CIFAR-100's files: two labels and the pixels. */
export const RECORD = 3074;

/** The embedded model, or a resnet20 with random weights written to `folder`. */
export async function modelFile(folder: string): Promise<string> {
  if (await stat(EMBEDDED).catch(() => undefined)) return EMBEDDED;
  const graph = buildModel('resnet20', { numClasses: 100 });
  initializeParameters(graph, 1);
  const metadata = encodeMetadata({
    model: 'resnet20',
    dataset: 'cifar100',
    labels: Array.from({ length: 100 }, (_, i) => `class_${i}`),
    ...CIFAR100_NORMALIZATION,
    inputLayout: 'NCHW',
    colorSpace: 'RGB',
    inputHeight: 32,
    inputWidth: 32,
  });
  const file = path.join(folder, 'random20.onnx');
  await writeFile(file, encodeModel(graph, metadata));
  return file;
}

/**
 * A `test.bin` of `records` records: the first of CIFAR-100's where CIFAR100_DIR is set, else random pictures
 * in the same layout.
 */
export async function testSetBytes(records: number): Promise<Buffer> {
  const real = process.env.CIFAR100_DIR;
  if (real) {
    const whole = await readFile(path.join(real, 'test.bin')).catch(() =>
      readFile(path.join(real, 'cifar-100-binary', 'test.bin')),
    );
    return Buffer.from(whole.subarray(0, records * RECORD));
  }
  const random = new Random(7);
  const bytes = Buffer.alloc(records * RECORD);
  for (let i = 0; i < records; i++) {
    const at = i * RECORD;
    bytes[at] = i % 20;
    bytes[at + 1] = i % 100;
    // Blotches of one colour and some noise: plain noise would look all the same to the net.
    for (let plane = 0; plane < 3; plane++) {
      const base = random.uniform() * 255;
      const slope = (random.uniform() - 0.5) * 8;
      for (let p = 0; p < 1024; p++) {
        const value = base + slope * ((p % 32) - 16) + random.uniform() * 40;
        bytes[at + 2 + plane * 1024 + p] = Math.max(0, Math.min(255, Math.round(value)));
      }
    }
  }
  return bytes;
}

/** A picture with some structure, as a PNG file, and its RGBA pixels. */
export async function picture(
  width: number,
  height: number,
): Promise<{ png: Buffer; rgba: Uint8Array; width: number; height: number }> {
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      const disc = (x - width / 2) ** 2 + (y - height / 3) ** 2 < (Math.min(width, height) / 4) ** 2;
      rgba[at] = disc ? 230 : Math.round((x / width) * 160);
      rgba[at + 1] = disc ? 120 : Math.round((y / height) * 200);
      rgba[at + 2] = disc ? 30 : (x * 7 + y * 3) % 97;
      rgba[at + 3] = 255;
    }
  }
  const png = await sharp(rgba, { raw: { width, height, channels: 4 } })
    .png()
    .toBuffer();
  return { png, rgba, width, height };
}

/** An epoch's line of a log. */
export function epoch(index: number): EpochLog {
  return {
    epoch: index,
    learningRate: 0.1,
    trainLoss: 3 - index / 4,
    trainTop1: 0.2 + index / 10,
    testLoss: 2.9 - index / 4,
    testTop1: 0.25 + index / 10,
    testTop5: 0.5 + index / 10,
    imagesPerSecond: 100,
    trainSeconds: 1,
    testSeconds: 1,
  };
}

/** Pictures of one colour with some noise of shape, as files to choose. */
export async function colored(name: string, color: { r: number; g: number; b: number }, count: number) {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => ({
      name: `${name}${i}.png`,
      mimeType: 'image/png',
      buffer: await sharp({ create: { width: 40 + i, height: 40, channels: 3, background: color } })
        .composite([{ input: { create: { width: 9, height: 9 + i, channels: 3, background: '#888888' } } }])
        .png()
        .toBuffer(),
    })),
  );
}
