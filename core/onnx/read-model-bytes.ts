import { errorMessage, UserError } from '../errors.ts';
import type { FileStamps } from '../fs/file-stamps.ts';
import { diskFiles } from '../fs/file-tree.ts';
import { inlineExternalData } from './inline-external-data.ts';

/**
 * Reads a model file; tensors it keeps in files beside it are put into it, so that the bytes alone are the model.
 * @param source what to call the file in an error
 * @param files gets the files that are read
 * @throws UserError if it cannot be read or is no ONNX model
 */
export async function readModelBytes(path: string, source: string, files?: FileStamps): Promise<Uint8Array> {
  const tree = diskFiles(files);
  let bytes: Uint8Array;
  try {
    bytes = await tree.read(path);
  } catch (error) {
    throw new UserError(`${source} cannot be read: ${errorMessage(error)}`);
  }
  return inlineExternalData(bytes, path, source, tree);
}
