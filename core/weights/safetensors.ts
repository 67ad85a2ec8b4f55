import { UserError } from '../errors.ts';

/**
 * The safetensors format (https://github.com/huggingface/safetensors#format): 8 bytes little-endian header
 * length, a JSON header of dtype, shape and offsets, then the tensors' bytes. Safe to read from strangers:
 * nothing in it runs. Only float32 tensors are read and written.
 */
export interface TensorFile {
  tensors: Map<string, { dims: number[]; data: Float32Array }>;
  metadata: Record<string, string>;
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** Serialises tensors and string metadata; the same content gives the same bytes. */
export function encodeSafetensors(file: TensorFile): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: file.metadata };
  let offset = 0;
  for (const [name, { dims, data }] of file.tensors) {
    header[name] = { dtype: 'F32', shape: dims, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  let json = JSON.stringify(header);
  // The data starts at a multiple of 8, so that readers may map it.
  json += ' '.repeat((8 - (Buffer.byteLength(json) % 8)) % 8);
  const head = Buffer.from(json);
  const out = new Uint8Array(8 + head.length + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(head.length), true);
  out.set(head, 8);
  let position = 8 + head.length;
  for (const { data } of file.tensors.values()) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return out;
}

/**
 * Reads a safetensors file.
 * @param source what to call it in an error, e.g. its path
 * @throws UserError if it is not one, is truncated, or holds other types than float32
 */
export function decodeSafetensors(bytes: Uint8Array, source: string): TensorFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length >= 8 ? Number(view.getBigUint64(0, true)) : Number.POSITIVE_INFINITY;
  if (length > bytes.length - 8) throw new UserError(`${source} is not a safetensors file, or is truncated`);
  let header: Record<string, HeaderEntry | Record<string, string>>;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw new UserError(`${source} is not a safetensors file: its header is not JSON`);
  }
  const { __metadata__: metadata = {}, ...entries } = header;
  const start = 8 + length;
  const tensors: TensorFile['tensors'] = new Map();
  for (const [name, entry] of Object.entries(entries as Record<string, HeaderEntry>)) {
    const [from, to] = entry.data_offsets ?? [Number.NaN, Number.NaN];
    const size = (entry.shape ?? []).reduce((product, dim) => product * dim, 1);
    if (entry.dtype !== 'F32') throw new UserError(`${source}: tensor "${name}" is ${entry.dtype}, not F32`);
    if (!(from >= 0 && to - from === size * 4)) {
      throw new UserError(`${source}: tensor "${name}" has offsets that do not fit its shape`);
    }
    if (start + to > bytes.length) throw new UserError(`${source} is truncated: tensor "${name}" is cut off`);
    const data = new Float32Array(new Uint8Array(bytes.subarray(start + from, start + to)).buffer);
    tensors.set(name, { dims: entry.shape, data });
  }
  return { tensors, metadata: metadata as Record<string, string> };
}
