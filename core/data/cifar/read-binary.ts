import { UserError } from '../../errors.ts';
import { ByteStream } from '../archive/byte-stream.ts';
import { type DataFiles, readWhole } from '../data-files.ts';
import { type ImageDataset, type ImageSplit, SPLIT_NAMES, type SplitName } from '../dataset.ts';
import { readSplits } from '../split.ts';
import { SplitBuilder, unknownSuperclasses } from './split-builder.ts';
import {
  CIFAR_IMAGE_BYTES,
  type CifarBinary,
  type CifarNames,
  cifarDataset,
  recordBytes,
} from './variant.ts';

const RECORDS_PER_READ = 500;
const MAX_NAMES_BYTES = 1 << 16;

/**
 * Reads the binary version of CIFAR-10 or CIFAR-100 into shared memory.
 * @param splits which splits to read; the others come back empty
 * @throws UserError if a file is missing, has the wrong size or holds labels that are not the dataset's
 */
export async function readCifarBinary(
  files: DataFiles,
  variant: CifarBinary,
  splits: readonly SplitName[] = SPLIT_NAMES,
): Promise<ImageDataset> {
  const names = await readNames(files, variant);
  const ofClass = unknownSuperclasses(variant);
  const wanted = await readSplits(splits, (split) => readSplit(files, variant, split, ofClass));
  return cifarDataset(variant, names, ofClass, wanted);
}

/**
 * Checks that all files are there and of the right size, without reading the images.
 * @throws UserError naming the file that is not
 */
export async function checkCifarBinary(files: DataFiles, variant: CifarBinary): Promise<void> {
  for (const split of SPLIT_NAMES) await checkSizes(files, variant, split);
  await readNames(files, variant);
}

async function readSplit(
  files: DataFiles,
  variant: CifarBinary,
  split: SplitName,
  ofClass: Uint16Array,
): Promise<ImageSplit> {
  await checkSizes(files, variant, split);
  const parts = variant.files[split];
  const count = parts.reduce((sum, { images }) => sum + images, 0);
  const builder = new SplitBuilder(variant, count, ofClass);
  const bytes = recordBytes(variant);
  const labelAt = bytes - CIFAR_IMAGE_BYTES - 1;
  const records = new Uint8Array(RECORDS_PER_READ * bytes);
  for (const { name, images } of parts) {
    const file = files.describe(name);
    const stream = new ByteStream(files.chunks(name));
    try {
      for (let first = 0; first < images; first += RECORDS_PER_READ) {
        const wanted = records.subarray(0, Math.min(RECORDS_PER_READ, images - first) * bytes);
        if ((await stream.read(wanted)) < wanted.length) {
          throw new UserError(`${file} became shorter while it was read; run again`);
        }
        for (let at = 0; at < wanted.length; at += bytes) {
          const image = wanted.subarray(at + labelAt + 1, at + bytes);
          builder.add(file, first + at / bytes, image, wanted[at + labelAt]!, wanted[at]!);
        }
      }
    } finally {
      await stream.close();
    }
  }
  return builder.finish(files.describe(parts.map(({ name }) => name).join(', ')));
}

async function checkSizes(files: DataFiles, variant: CifarBinary, split: SplitName): Promise<void> {
  for (const { name, images } of variant.files[split]) {
    const bytes = await files.size(name);
    const expected = images * recordBytes(variant);
    if (bytes === expected) continue;
    throw new UserError(
      `${files.describe(name)} is ${bytes} bytes where ${variant.title} has ${expected} (${images} images of ` +
        `${recordBytes(variant)} bytes), so it is ${bytes < expected ? 'truncated or ' : ''}another file; ${variant.advice}`,
    );
  }
}

async function readNames(files: DataFiles, variant: CifarBinary): Promise<CifarNames> {
  const read = async (name: string, count: number): Promise<string[]> => {
    const text = Buffer.from(await readWhole(files, name, MAX_NAMES_BYTES)).toString('utf8');
    const names = text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '');
    if (names.length === count) return names;
    throw new UserError(
      `${files.describe(name)} has ${names.length} names where ${variant.title} has ${count}; ${variant.advice}`,
    );
  };
  const { classes, superclasses } = variant.names;
  return {
    labels: await read(classes, variant.classes),
    superclasses: superclasses === undefined ? [] : await read(superclasses, variant.superclasses),
  };
}
