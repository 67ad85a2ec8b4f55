import { Refusal } from '../../core/errors.ts';

/**
 * Little-endian float32 bytes to a tensor, without a copy where the bytes are aligned.
 * @param name the input's, for messages
 * @throws Refusal 400 if the number of bytes is not the shape's, or a value is not finite
 */
export function tensorFromBytes(bytes: Uint8Array, shape: readonly number[], name: string): Float32Array {
  const size = shape.reduce((product, n) => product * n, 1);
  if (bytes.length !== 4 * size) {
    throw new Refusal(400, `input "${name}" has ${bytes.length} bytes, its shape says ${4 * size}`);
  }
  // Not `slice`, which for a Buffer does not copy.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  const values = new Float32Array(aligned.buffer, aligned.byteOffset, size);
  if (!allFinite(values)) throw new Refusal(400, `input "${name}" has a value that is not a finite float32`);
  return values;
}

export function bytesFromTensor(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** A BYTES tensor: before each text its length in bytes, 32 bits little-endian. */
export function bytesFromTexts(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** NaN and the infinities are what times 0 is not 0; a sum needs no branch for each value. */
function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}
