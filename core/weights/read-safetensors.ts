import type { FileHandle } from 'node:fs/promises';
import { errorMessage, UserError } from '../errors.ts';
import { openRegularFile } from '../fs/regular-file.ts';
import { toFloat32 } from './float-formats.ts';
import { type DecodeOptions, decodeHeader, headerLength, type TensorFile } from './safetensors.ts';

/**
 * Reads some tensors of a safetensors file, and only those: a checkpoint of a large net, which holds the
 * optimiser's state too, need not fit into memory several times over.
 * @param choose by the names of all tensors, those to read and the names they get
 * @throws UserError if the file cannot be read, or as `decodeSafetensors`
 */
export async function readSafetensors(
  path: string,
  choose: (names: readonly string[]) => ReadonlyMap<string, string>,
  options: DecodeOptions = {},
): Promise<TensorFile> {
  const file = await openRegularFile(path).catch((error: unknown) => {
    throw new UserError(`cannot read ${path}: ${errorMessage(error)}`);
  });
  try {
    const { size } = await file.stat();
    const start = await read(file, 0, Math.min(8, size), path);
    const header = await read(file, 8, headerLength(start, size, path), path);
    const { tensors: places, metadata, left } = decodeHeader(header, size, path, options);
    const tensors: TensorFile['tensors'] = new Map();
    for (const [name, as] of choose([...places.keys()])) {
      const { dims, format, from, to } = places.get(name)!;
      const bytes = await read(file, from, to - from, path);
      // Read into memory of its own, which floats may begin at.
      const data = format === 'float32' ? new Float32Array(bytes.buffer) : toFloat32(bytes, format);
      tensors.set(as, { dims, data });
    }
    return { tensors, metadata, left };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`cannot read ${path}: ${errorMessage(error)}`);
  } finally {
    await file.close();
  }
}

async function read(
  file: FileHandle,
  position: number,
  length: number,
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new UserError(`${path} is truncated`);
    done += bytesRead;
  }
  return bytes;
}
