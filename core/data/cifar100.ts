import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, UserError } from '../errors.ts';
import { type ImageDataset, type ImageSplit, SPLIT_NAMES, type SplitName } from './dataset.ts';
import { emptySplit } from './split.ts';

/** The folder that the official archive unpacks to. */
export const CIFAR100_FOLDER = 'cifar-100-binary';

/** Images in each file of the official release. */
export const CIFAR100_COUNTS: Record<SplitName, number> = { train: 50_000, test: 10_000 };

const HEIGHT = 32;
const WIDTH = 32;
const IMAGE_BYTES = 3 * HEIGHT * WIDTH;
/** Coarse label, fine label, then red, green and blue planes, row by row. */
export const CIFAR100_RECORD_BYTES = 2 + IMAGE_BYTES;

const FINE_CLASSES = 100;
const COARSE_CLASSES = 20;
const RECORDS_PER_READ = 500;
const UNSEEN = 0xffff;

/** Mean and standard deviation of the training images, as commonly used for CIFAR-100. */
export const CIFAR100_NORMALIZATION: ImageDataset['normalization'] = {
  mean: [0.5071, 0.4867, 0.4408],
  std: [0.2675, 0.2565, 0.2761],
};

/**
 * The folder that holds the CIFAR-100 binary files: `dir` itself or `dir/cifar-100-binary`; undefined if
 * neither has any of them.
 */
export async function findCifar100(dir: string): Promise<string | undefined> {
  for (const folder of [dir, join(dir, CIFAR100_FOLDER)]) {
    for (const split of SPLIT_NAMES) if (await isFile(join(folder, `${split}.bin`))) return folder;
  }
  return undefined;
}

/**
 * Reads CIFAR-100 in its official binary layout (https://www.cs.toronto.edu/~kriz/cifar.html) into shared
 * memory: images of 3 x 32 x 32 bytes, 100 classes in 20 superclasses.
 * @param dir the folder of `train.bin`, `test.bin` and the two `*_label_names.txt`, or its parent
 * @param splits which splits to read; the others come back empty
 * @throws UserError if a file is missing, has the wrong size or holds labels that are not CIFAR-100's
 */
export async function readCifar100(
  dir: string,
  splits: readonly SplitName[] = SPLIT_NAMES,
): Promise<ImageDataset> {
  const folder = await findCifar100(dir);
  if (folder === undefined) throw new UserError(await explainMissing(dir));
  const labels = await readNames(join(folder, 'fine_label_names.txt'), FINE_CLASSES);
  const names = await readNames(join(folder, 'coarse_label_names.txt'), COARSE_CLASSES);
  // Filled by the first image of each class; every later image, of either split, must agree.
  const ofClass = new Uint16Array(FINE_CLASSES).fill(UNSEEN);
  const read = (split: SplitName): Promise<ImageSplit> | ImageSplit =>
    splits.includes(split)
      ? readSplit(join(folder, `${split}.bin`), CIFAR100_COUNTS[split], ofClass)
      : emptySplit();
  const train = await read('train');
  const test = await read('test');
  return {
    name: 'cifar100',
    channels: 3,
    height: HEIGHT,
    width: WIDTH,
    labels,
    superclasses: { names, ofClass },
    normalization: CIFAR100_NORMALIZATION,
    train,
    test,
  };
}

/**
 * Checks that the four files are in `folder` and of the right size, without reading the images.
 * @throws UserError naming the file that is not
 */
export async function checkCifar100Files(folder: string): Promise<void> {
  for (const split of SPLIT_NAMES) {
    const file = join(folder, `${split}.bin`);
    checkSize(file, await fileSize(file), CIFAR100_COUNTS[split]);
  }
  await readNames(join(folder, 'fine_label_names.txt'), FINE_CLASSES);
  await readNames(join(folder, 'coarse_label_names.txt'), COARSE_CLASSES);
}

async function readSplit(file: string, count: number, superclassOf: Uint16Array): Promise<ImageSplit> {
  checkSize(file, await fileSize(file), count);
  const images = new Uint8Array(new SharedArrayBuffer(count * IMAGE_BYTES));
  const labels = new Uint16Array(new SharedArrayBuffer(count * Uint16Array.BYTES_PER_ELEMENT));
  const seen = new Uint8Array(FINE_CLASSES);
  const chunk = Buffer.allocUnsafe(RECORDS_PER_READ * CIFAR100_RECORD_BYTES);
  const handle = await open(file).catch((error: unknown) => {
    throw new UserError(`cannot read ${file}: ${errorMessage(error)}`);
  });
  try {
    for (let first = 0; first < count; first += RECORDS_PER_READ) {
      const records = Math.min(RECORDS_PER_READ, count - first);
      const wanted = records * CIFAR100_RECORD_BYTES;
      let filled = 0;
      while (filled < wanted) {
        const { bytesRead } = await handle.read(chunk, filled, wanted - filled);
        if (bytesRead === 0) throw new UserError(`${file} became shorter while it was read; run again`);
        filled += bytesRead;
      }
      for (let i = 0; i < records; i++) {
        const at = i * CIFAR100_RECORD_BYTES;
        const coarse = chunk[at]!;
        const fine = chunk[at + 1]!;
        checkLabels(file, first + i, coarse, fine, superclassOf);
        superclassOf[fine] = coarse;
        seen[fine] = 1;
        labels[first + i] = fine;
        images.set(chunk.subarray(at + 2, at + CIFAR100_RECORD_BYTES), (first + i) * IMAGE_BYTES);
      }
    }
  } finally {
    await handle.close();
  }
  const absent = seen.indexOf(0);
  if (absent !== -1) {
    throw new UserError(`${file} has no image of class ${absent}, so it is not CIFAR-100; ${FETCH_AGAIN}`);
  }
  return { count, images, labels };
}

function checkLabels(
  file: string,
  record: number,
  coarse: number,
  fine: number,
  superclassOf: Uint16Array,
): void {
  if (fine >= FINE_CLASSES || coarse >= COARSE_CLASSES) {
    throw new UserError(
      `${file}, image ${record}: label ${fine} (superclass ${coarse}) is outside CIFAR-100's ` +
        `${FINE_CLASSES} classes (${COARSE_CLASSES} superclasses); ${FETCH_AGAIN}`,
    );
  }
  const known = superclassOf[fine]!;
  if (known !== UNSEEN && known !== coarse) {
    throw new UserError(
      `${file}, image ${record}: class ${fine} is in superclass ${coarse} here and in ${known} before, ` +
        `so the file is damaged; ${FETCH_AGAIN}`,
    );
  }
}

function checkSize(file: string, bytes: number, count: number): void {
  const expected = count * CIFAR100_RECORD_BYTES;
  if (bytes === expected) return;
  throw new UserError(
    `${file} is ${bytes} bytes where CIFAR-100 has ${expected} (${count} images of ` +
      `${CIFAR100_RECORD_BYTES} bytes), so it is ${bytes < expected ? 'truncated or ' : ''}another file; ${FETCH_AGAIN}`,
  );
}

const FETCH_AGAIN = 'fetch it again with npm run data';

async function fileSize(file: string): Promise<number> {
  try {
    const info = await stat(file);
    if (!info.isFile()) throw new UserError(`${file} is not a file; ${FETCH_AGAIN}`);
    return info.size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new UserError(`${file} is missing; ${FETCH_AGAIN}`);
    }
    throw error instanceof UserError ? error : new UserError(`cannot read ${file}: ${errorMessage(error)}`);
  }
}

async function readNames(file: string, count: number): Promise<string[]> {
  await fileSize(file);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UserError(`cannot read ${file}: ${errorMessage(error)}`);
  });
  const names = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (names.length !== count) {
    throw new UserError(`${file} has ${names.length} names where CIFAR-100 has ${count}; ${FETCH_AGAIN}`);
  }
  return names;
}

async function explainMissing(dir: string): Promise<string> {
  const info = await stat(dir).catch(() => undefined);
  if (info === undefined) return `${dir} does not exist; give the folder that holds ${CIFAR100_FOLDER}/`;
  if (!info.isDirectory()) {
    return `${dir} is a file; give the folder that holds ${CIFAR100_FOLDER}/ (unpack the archive first)`;
  }
  for (const folder of [dir, join(dir, 'cifar-100-python')]) {
    if ((await isFile(join(folder, 'meta'))) && (await isFile(join(folder, 'train')))) {
      return `${folder} is the Python version of CIFAR-100; fetch the binary version with npm run data`;
    }
  }
  return `no CIFAR-100 in ${dir}: neither it nor ${join(dir, CIFAR100_FOLDER)} has train.bin or test.bin; fetch them with npm run data`;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}
