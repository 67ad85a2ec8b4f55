import { UserError } from '../../errors.ts';
import { sizeOf } from '../../onnx/graph.ts';
import { isCounter, type TensorFile } from '../safetensors.ts';
import { readArchive } from './archive.ts';
import { findStateDict } from './state-dict.ts';
import { OtherTensor, readTensor } from './tensor.ts';

/**
 * Tensors may share storages and repeat elements (stride 0), so a small file can ask for much memory. Float16
 * doubles; shared weights at most double again.
 */
const MAX_GROWTH = 4;
const ALWAYS_ALLOWED_BYTES = 64 * 2 ** 20;

/**
 * Reads the floating-point tensors of a PyTorch checkpoint's state dict as float32. Those of integers, which
 * are counters (`num_batches_tracked`), are left out. Nothing in the file is executed.
 * @param key the checkpoint's entry that is the state dict; left out: found by what is in it, see `findStateDict`
 * @throws UserError if the file is damaged, or holds no state dict
 */
export function decodePyTorch(bytes: Uint8Array, source: string, key?: string): TensorFile['tensors'] {
  return readPyTorch(bytes, source, key).tensors;
}

/** As {@link decodePyTorch}, with what else is to be told. */
export function readPyTorch(
  bytes: Uint8Array,
  source: string,
  key?: string,
): TensorFile & { notes: string[] } {
  const { root, storages } = readArchive(bytes, source);
  const tensors: TensorFile['tensors'] = new Map();
  const left = new Map<string, string>();
  let budget = MAX_GROWTH * bytes.length + ALWAYS_ALLOWED_BYTES;
  const found = findStateDict(root, source, key);
  for (const [name, tensor] of found.tensors) {
    if (tensor instanceof OtherTensor) {
      left.set(name, tensor.what);
      continue;
    }
    if (tensor.storage.format === 'other') {
      if (!isCounter(name)) left.set(name, 'not of floating-point numbers');
      continue;
    }
    const where = `${source}: tensor ${JSON.stringify(name)}`;
    budget -= sizeOf(tensor.dims) * Float32Array.BYTES_PER_ELEMENT;
    // Not `budget < 0`: sizes that overflow to NaN must not pass.
    if (!(budget >= 0)) throw new UserError(`${where} is larger than the file can explain; it is damaged`);
    const storage = storages.get(tensor.storage.key);
    if (!storage) throw new UserError(`${where} has no data in the file; it is damaged`);
    tensors.set(name, { dims: [...tensor.dims], data: readTensor(tensor, storage, where) });
  }
  if (tensors.size === 0) throw new UserError(`${source} holds no floating-point tensors`);
  const notes =
    found.others.length > 0
      ? [
          `the state dict ${found.key === '' ? 'of the file itself' : `"${found.key}"`} was taken; ` +
            `--key takes another: ${found.others.join(', ')}`,
        ]
      : [];
  return { tensors, metadata: {}, left, notes };
}
