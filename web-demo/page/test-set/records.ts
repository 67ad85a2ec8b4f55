import { UserError } from '../../../core/errors.ts';

/** CIFAR-100's binary layout: superclass, class, then 32x32 pixels as planes of red, green and blue. */
export const SIDE = 32;
export const PIXELS = SIDE * SIDE;
export const RECORD_BYTES = 2 + 3 * PIXELS;
/** How many records the test set has. */
export const FULL_TEST_SET = 10_000;

const SUPERCLASSES = 20;

/** The records of a file in CIFAR-100's binary layout. */
export class CifarRecords {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** The class of each record. */
  readonly labels: Uint8Array;

  /**
   * @param classes how many classes there are; a label beyond them is an error
   * @param source what to call the file in an error
   * @param first which record of the file the bytes begin with
   * @throws UserError if it is not such a file
   */
  constructor(bytes: Uint8Array, classes: number, source: string, first = 0) {
    this.count = countRecords(bytes.length, source);
    this.bytes = bytes;
    this.labels = new Uint8Array(this.count);
    for (let i = 0; i < this.count; i++) {
      const superclass = bytes[i * RECORD_BYTES]!;
      const label = bytes[i * RECORD_BYTES + 1]!;
      if (superclass >= SUPERCLASSES || label >= classes) {
        throw new UserError(
          `${source}: record ${first + i} has class ${label} of superclass ${superclass}, beyond ${classes} and ` +
            `${SUPERCLASSES}; choose test.bin of the CIFAR-100 binary version.`,
        );
      }
      this.labels[i] = label;
    }
  }

  /** Where the pixels of a record begin in {@link bytes}. */
  offset(index: number): number {
    return index * RECORD_BYTES + 2;
  }

  /** A record as interleaved RGBA, for a canvas. */
  rgba(index: number): Uint8ClampedArray<ArrayBuffer> {
    const out = new Uint8ClampedArray(PIXELS * 4);
    const offset = this.offset(index);
    for (let i = 0; i < PIXELS; i++) {
      for (let c = 0; c < 3; c++) out[i * 4 + c] = this.bytes[offset + c * PIXELS + i]!;
      out[i * 4 + 3] = 255;
    }
    return out;
  }
}

/**
 * How many records a file of that size holds.
 * @throws UserError if it holds none or half of one
 */
export function countRecords(bytes: number, source: string): number {
  if (bytes === 0 || bytes % RECORD_BYTES !== 0) {
    throw new UserError(
      `${source} has ${bytes} bytes, not a multiple of ${RECORD_BYTES}; choose test.bin of the CIFAR-100 binary version.`,
    );
  }
  return bytes / RECORD_BYTES;
}
