import { UserError } from '../../errors.ts';
import { sizeOf } from '../../onnx/graph.ts';
import type { TensorFile } from '../safetensors.ts';
import { readArchive } from './archive.ts';
import { findStateDict } from './state-dict.ts';
import { readTensor } from './tensor.ts';

/**
 * Tensors may share storages and repeat elements (stride 0), so a small file can ask for much memory. Float16
 * doubles; shared weights at most double again.
 */
const MAX_GROWTH = 4;
const ALWAYS_ALLOWED_BYTES = 64 * 2 ** 20;

/**
 * Reads the floating-point tensors of a PyTorch checkpoint's state dict as float32. Those of integers, which
 * are counters (`num_batches_tracked`), are left out. Nothing in the file is executed.
 * @param key the checkpoint's entry that is the state dict; left out: found by the usual names
 * @throws UserError if the file is damaged, holds other Python objects, or no state dict
 */
export function decodePyTorch(bytes: Uint8Array, source: string, key?: string): TensorFile['tensors'] {
  const { root, storages } = readArchive(bytes, source);
  const tensors: TensorFile['tensors'] = new Map();
  let left = MAX_GROWTH * bytes.length + ALWAYS_ALLOWED_BYTES;
  for (const [name, tensor] of findStateDict(root, source, key)) {
    if (tensor.storage.format === 'other') continue;
    const where = `${source}: tensor ${JSON.stringify(name)}`;
    left -= sizeOf(tensor.dims) * Float32Array.BYTES_PER_ELEMENT;
    // Not `left < 0`: sizes that overflow to NaN must not pass.
    if (!(left >= 0)) throw new UserError(`${where} is larger than the file can explain; it is damaged`);
    const storage = storages.get(tensor.storage.key);
    if (!storage) throw new UserError(`${where} has no data in the file; it is damaged`);
    tensors.set(name, { dims: [...tensor.dims], data: readTensor(tensor, storage, where) });
  }
  if (tensors.size === 0) throw new UserError(`${source} holds no floating-point tensors`);
  return tensors;
}
