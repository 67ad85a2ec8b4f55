import { UserError } from '../../errors.ts';
import { unpickle } from '../../pickle/unpickle.ts';
import { type ImageDataset, type ImageSplit, SPLIT_NAMES, type SplitName } from '../dataset.ts';
import { type DataFiles, readWhole } from '../files/data-files.ts';
import { readSplits } from '../split.ts';
import { NumpyArray, numpyRules, plainText } from './numpy-pickle.ts';
import { SplitBuilder, unknownSuperclasses } from './split-builder.ts';
import { CIFAR_IMAGE_BYTES, type CifarNames, type CifarPython, cifarDataset } from './variant.ts';

/**
 * Most bytes of a pickled file. The largest official one has 155 MB; written anew by Python 3 in protocol 2
 * its bytes are UTF-8 text, half as large again.
 */
export const MAX_PICKLE_BYTES = 400_000_000;

/**
 * Reads the Python version of CIFAR-10 or CIFAR-100 into shared memory. No Python is needed, and nothing in
 * the pickles is executed.
 * @param splits which splits to read; the others come back empty
 * @throws UserError if a file is missing, truncated, refers to anything but arrays, or is not the dataset's
 */
export async function readCifarPython(
  files: DataFiles,
  variant: CifarPython,
  splits: readonly SplitName[] = SPLIT_NAMES,
): Promise<ImageDataset> {
  const names = await readNames(files, variant);
  const ofClass = unknownSuperclasses(variant);
  const wanted = await readSplits(splits, (split) => readSplit(files, variant, split, ofClass));
  return cifarDataset(variant, names, ofClass, wanted);
}

async function readSplit(
  files: DataFiles,
  variant: CifarPython,
  split: SplitName,
  ofClass: Uint16Array,
): Promise<ImageSplit> {
  const parts = variant.files[split];
  const count = parts.reduce((sum, { images }) => sum + images, 0);
  const builder = new SplitBuilder(variant, count, ofClass);
  for (const { name, images } of parts) {
    const file = files.describe(name);
    const dict = await readDict(files, name);
    const data = pixelsOf(dict.get('data'), file, variant, images);
    const labels = labelsOf(dict, variant.labels.classes, file, variant, images);
    const { superclasses } = variant.labels;
    const coarse =
      superclasses === undefined ? undefined : labelsOf(dict, superclasses, file, variant, images);
    for (let i = 0; i < images; i++) {
      const image = data.subarray(i * CIFAR_IMAGE_BYTES, (i + 1) * CIFAR_IMAGE_BYTES);
      builder.add(file, i, image, labels[i]!, coarse?.[i] ?? 0);
    }
  }
  return builder.finish(files.describe(parts.map(({ name }) => name).join(', ')));
}

async function readDict(files: DataFiles, name: string): Promise<Map<unknown, unknown>> {
  const file = files.describe(name);
  const bytes = await readWhole(files, name, MAX_PICKLE_BYTES);
  const value = unpickle(bytes, numpyRules(bytes.length), file);
  if (value instanceof Map) return value;
  throw new UserError(`${file} is a pickle of something else than a dict, so it is no CIFAR file`);
}

function pixelsOf(value: unknown, file: string, variant: CifarPython, images: number): Uint8Array {
  if (!(value instanceof NumpyArray) || value.dtype !== 'u1' || value.fortranOrder) {
    throw new UserError(
      `${file} has no array of bytes as "data", so it is not ${variant.title}; ${variant.advice}`,
    );
  }
  const [count, length] = value.shape;
  if (value.shape.length !== 2 || count !== images || length !== CIFAR_IMAGE_BYTES) {
    throw new UserError(
      `${file} has images of shape ${value.shape.join(' x ')} where ${variant.title} has ` +
        `${images} x ${CIFAR_IMAGE_BYTES}; ${variant.advice}`,
    );
  }
  return value.data;
}

function labelsOf(
  dict: ReadonlyMap<unknown, unknown>,
  key: string,
  file: string,
  variant: CifarPython,
  images: number,
): number[] {
  const labels = dict.get(key);
  const whole = (label: unknown): boolean => Number.isSafeInteger(label) && (label as number) >= 0;
  if (Array.isArray(labels) && labels.length === images && labels.every(whole)) return labels;
  throw new UserError(`${file} has no list of ${images} labels as "${key}"; ${variant.advice}`);
}

async function readNames(files: DataFiles, variant: CifarPython): Promise<CifarNames> {
  const { file: name, classes, superclasses } = variant.names;
  const file = files.describe(name);
  const dict = await readDict(files, name);
  const read = (key: string, count: number): string[] => {
    const list = dict.get(key);
    const names = Array.isArray(list) ? list.map(plainText) : [];
    if (names.length === count && names.every((text) => text !== undefined)) return names;
    throw new UserError(`${file} has no list of ${count} names as "${key}"; ${variant.advice}`);
  };
  return {
    labels: read(classes, variant.classes),
    superclasses: superclasses === undefined ? [] : read(superclasses, variant.superclasses),
  };
}
