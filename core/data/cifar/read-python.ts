import { UserError } from '../../errors.ts';
import { PickleError } from '../../pickle/reader.ts';
import { PickledObject, type PickleFunction, type PickleRules } from '../../pickle/rules.ts';
import { unpickle } from '../../pickle/unpickle.ts';
import { type DataFiles, readWhole } from '../data-files.ts';
import type { SplitBuilder } from './split-builder.ts';
import { CIFAR_IMAGE_BYTES, type CifarNames, type CifarPython } from './variant.ts';

/**
 * Most bytes of a pickled file. The largest official one has 155 MB; written anew by Python 3 in protocol 2
 * its bytes are UTF-8 text, half as large again.
 */
export const MAX_PICKLE_BYTES = 400_000_000;

/**
 * Adds the images of a file of the Python version. No Python is needed, and nothing in the pickles is executed.
 * @throws UserError if it is missing, truncated, refers to anything but arrays, or is not the dataset's
 */
export async function addPythonImages(
  files: DataFiles,
  variant: CifarPython,
  { name, images }: { name: string; images: number },
  builder: SplitBuilder,
): Promise<void> {
  const file = files.describe(name);
  const dict = await readDict(files, name);
  const data = pixelsOf(dict.get('data'), file, variant, images);
  const labels = labelsOf(dict, variant.labels.classes, file, variant, images);
  const { superclasses } = variant.labels;
  const coarse = superclasses === undefined ? undefined : labelsOf(dict, superclasses, file, variant, images);
  for (let i = 0; i < images; i++) {
    const image = data.subarray(i * CIFAR_IMAGE_BYTES, (i + 1) * CIFAR_IMAGE_BYTES);
    builder.add(file, i, image, labels[i]!, coarse?.[i] ?? 0);
  }
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

/** @throws UserError if they are not as many as the dataset has */
export async function readPythonNames(files: DataFiles, variant: CifarPython): Promise<CifarNames> {
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

/** A pickled numpy array: its bytes and how they are meant. */
export class NumpyArray extends PickledObject {
  shape: readonly number[] = [];
  /** E.g. `u1`, unsigned bytes. */
  dtype = '';
  /** Whether the first index runs fastest. */
  fortranOrder = false;
  data: Uint8Array = new Uint8Array(0);

  /** ndarray.__setstate__: (version, shape, dtype, fortran order, bytes). */
  override setState(state: unknown): void {
    if (!Array.isArray(state) || state.length !== 5) throw new PickleError('has a malformed numpy array');
    const [, shape, dtype, fortranOrder, data] = state as unknown[];
    const sizes = Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!sizes || !(dtype instanceof NumpyDtype) || !(data instanceof Uint8Array)) {
      throw new PickleError('has a malformed numpy array');
    }
    const needed = (shape as number[]).reduce((product, n) => product * n, dtype.itemBytes);
    if (needed !== data.length) {
      throw new PickleError(
        `has a numpy array of ${data.length} bytes where its shape ${(shape as number[]).join(' x ')} takes ${needed}`,
      );
    }
    this.shape = shape as number[];
    this.dtype = dtype.code;
    this.fortranOrder = fortranOrder === true || fortranOrder === 1;
    this.data = data;
  }
}

class NumpyDtype extends PickledObject {
  readonly itemBytes: number;

  /** @param code kind and size, as numpy's `dtype.str` without the byte order */
  constructor(readonly code: string) {
    super();
    const size = /^[biufc](\d{1,2})$/.exec(code)?.[1];
    if (size === undefined)
      throw new PickleError(`has a numpy array of ${JSON.stringify(code.slice(0, 20))}`);
    this.itemBytes = Number(size);
  }

  /** Byte order and the parts of structured types; bytes have neither. */
  override setState(): void {}
}

const ndarray: PickleFunction = () => {
  throw new PickleError('calls numpy.ndarray, which no pickled array does');
};

const reconstruct: PickleFunction = ([type]) => {
  if (type !== ndarray) throw new PickleError('has a numpy array of a type other than ndarray');
  return new NumpyArray();
};

/**
 * What a pickled numpy array needs (and the bytes of Python 3 in protocol 2, which are text to be encoded).
 * @param pickleBytes the pickle's size; all bytes that it encodes can be no more
 */
export function numpyRules(pickleBytes: number): PickleRules {
  let left = pickleBytes;
  const encode: PickleFunction = ([text, encoding]) => {
    if (typeof text !== 'string' || plainText(encoding) !== 'latin1') {
      throw new PickleError('encodes something else than Latin-1 text');
    }
    // One stored string, encoded again and again, would fill the memory.
    left -= text.length;
    if (left < 0) throw new PickleError('encodes more bytes than it has');
    return new Uint8Array(Buffer.from(text, 'latin1'));
  };
  return {
    byteStrings: 'bytes',
    lenient: false,
    globals: new Map<string, PickleFunction>([
      ['numpy.core.multiarray._reconstruct', reconstruct],
      // Since numpy 2.
      ['numpy._core.multiarray._reconstruct', reconstruct],
      ['numpy.ndarray', ndarray],
      ['numpy.dtype', ([code]) => new NumpyDtype(plainText(code) ?? '')],
      ['_codecs.encode', encode],
    ]),
  };
}

/** Text of either Python: str, or bytes in Latin-1; undefined for anything else. */
function plainText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined;
}
