import { PickleError } from '../../pickle/pickle-error.ts';
import { PickledObject, type PickleFunction, type PickleRules } from '../../pickle/rules.ts';

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
export function plainText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined;
}
