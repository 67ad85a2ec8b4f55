import { UserError } from '../../errors.ts';
import { ByteStream } from '../archive/byte-stream.ts';
import { type DataFiles, readWhole } from '../data-files.ts';
import { SPLIT_NAMES, type SplitName } from '../dataset.ts';
import type { SplitBuilder } from './split-builder.ts';
import { CIFAR_IMAGE_BYTES, type CifarBinary, type CifarNames, recordBytes } from './variant.ts';

const RECORDS_PER_READ = 500;
const MAX_NAMES_BYTES = 1 << 16;

/**
 * Checks that all files are there and of the right size, without reading the images.
 * @throws UserError naming the file that is not
 */
export async function checkCifarBinary(files: DataFiles, variant: CifarBinary): Promise<void> {
  for (const split of SPLIT_NAMES) await checkSizes(files, variant, split);
  await readBinaryNames(files, variant);
}

/**
 * Adds the images of a file of the binary version.
 * @throws UserError if it is missing, cut short meanwhile, or holds labels that are not the dataset's
 */
export async function addBinaryImages(
  files: DataFiles,
  variant: CifarBinary,
  { name, images }: { name: string; images: number },
  builder: SplitBuilder,
): Promise<void> {
  const bytes = recordBytes(variant);
  const labelAt = bytes - CIFAR_IMAGE_BYTES - 1;
  const records = new Uint8Array(RECORDS_PER_READ * bytes);
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

/** @throws UserError naming the file of a split that is missing or has another size */
export async function checkSizes(files: DataFiles, variant: CifarBinary, split: SplitName): Promise<void> {
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

/** @throws UserError if they are not as many as the dataset has */
export async function readBinaryNames(files: DataFiles, variant: CifarBinary): Promise<CifarNames> {
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
