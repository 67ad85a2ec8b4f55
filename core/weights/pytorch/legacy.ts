import { UserError } from '../../errors.ts';
import type { Archive } from './archive.ts';
import { ByteReader } from './byte-reader.ts';
import { checkpointRules } from './rules.ts';
import type { StorageReference } from './tensor.ts';
import { unpickle } from './unpickle.ts';

/** PyTorch's magic number 0x1950a86a20f9469cfc6c, as the pickle that a file begins with. */
const MAGIC = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
const PROTOCOL_VERSION = 1001;

/** True if the bytes begin as a file of torch.save before PyTorch 1.6 does. */
export function isLegacy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * Takes a file of torch.save before PyTorch 1.6 apart (`_legacy_save` in torch/serialization.py): pickles of
 * the magic number, a version, facts about the machine, what was saved, and the keys of its storages; then
 * each storage as a 64-bit count of elements and their bytes.
 */
export function readLegacyArchive(bytes: Uint8Array, source: string): Archive {
  const references = new Map<string, StorageReference>();
  const rules = checkpointRules(source, (storage) => references.set(storage.key, storage));
  let position = MAGIC.length;
  const next = (): unknown => {
    const { value, end } = unpickle(bytes, source, rules, position);
    position = end;
    return value;
  };
  const version = next();
  if (version !== PROTOCOL_VERSION) {
    throw new UserError(
      `${source} is of an unknown version of the PyTorch format; save it again with PyTorch`,
    );
  }
  const machine = next();
  if (machine instanceof Map && machine.get('little_endian') === false) {
    throw new UserError(`${source} was saved on a big-endian machine; load and save it again on another`);
  }
  const root = next();
  const keys = next();
  const storages = new Map<string, Uint8Array>();
  const reader = new ByteReader(bytes, source, position);
  for (const key of Array.isArray(keys) ? keys : []) {
    const reference = references.get(key);
    if (!reference) throw new UserError(`${source} is damaged: no tensor uses one of its storages`);
    storages.set(reference.key, reader.take(reader.u64() * reference.elementBytes));
  }
  return { root, storages };
}
