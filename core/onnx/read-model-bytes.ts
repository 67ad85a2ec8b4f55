import { errorMessage, UserError } from '../errors.ts';
import type { FileStamps } from '../fs/file-stamps.ts';
import { readRegularFile } from '../fs/regular-file.ts';
import { inlineExternalData } from './inline-external-data.ts';

/**
 * Reads a model file; tensors it keeps in files beside it are put into it, so that the bytes alone are the model.
 * @param source what to call the file in an error
 * @param files gets the files that are read
 * @throws UserError if it cannot be read or is no ONNX model
 */
export async function readModelBytes(path: string, source: string, files?: FileStamps): Promise<Uint8Array> {
  await files?.add(path);
  let bytes: Uint8Array;
  try {
    const buffer = await readRegularFile(path);
    // A plain array instead of a Buffer, whose `slice` shares memory where that of an array copies.
    bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  } catch (error) {
    throw new UserError(`${source} cannot be read: ${errorMessage(error)}`);
  }
  return inlineExternalData(bytes, path, source, files);
}
