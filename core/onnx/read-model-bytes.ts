import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorMessage, UserError } from '../errors.ts';
import { inlineExternalData } from './inline-external-data.ts';

/**
 * Reads a model file; tensors it keeps in files beside it are put into it, so that the bytes alone are the model.
 * @param source what to call the file in an error
 * @throws UserError if it cannot be read or is no ONNX model
 */
export async function readModelBytes(path: string, source: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    // A pipe or a device may never end.
    if (!(await stat(path)).isFile()) throw new Error('it is not a file');
    const buffer = await readFile(path);
    // A plain array instead of a Buffer, whose `slice` shares memory where that of an array copies.
    bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  } catch (error) {
    throw new UserError(`${source} cannot be read: ${errorMessage(error)}`);
  }
  return inlineExternalData(bytes, dirname(path), source);
}
