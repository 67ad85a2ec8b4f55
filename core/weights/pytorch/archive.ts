import { UserError } from '../../errors.ts';
import { checkpointRules, unpickle } from './rules.ts';
import type { StorageReference } from './tensor.ts';
import { ByteReader, isZip, readStoredZip, type ZipContent } from './zip.ts';

/** A file of torch.save, taken apart. */
export interface Archive {
  /** What was saved, dicts as Maps and tensors as references into storages. */
  root: unknown;
  /** The bytes of a storage, by its key. */
  storages: ReadonlyMap<string, Uint8Array>;
}

/** True if the bytes begin as one of the two formats of torch.save does. */
export function isPyTorch(bytes: Uint8Array): boolean {
  return isZip(bytes) || isLegacy(bytes);
}

/**
 * Takes a file of torch.save apart without executing any of it.
 * @throws UserError if it is none, is damaged, or holds other Python objects than dicts and tensors
 */
export function readArchive(bytes: Uint8Array, source: string): Archive {
  if (isLegacy(bytes)) return readLegacyArchive(bytes, source);
  return readZipArchive(bytes, source);
}

/**
 * The format since PyTorch 1.6, a zip archive of `<name>/data.pkl` and a storage each in `<name>/data/<key>`
 * (https://docs.pytorch.org/docs/stable/notes/serialization.html).
 */
function readZipArchive(bytes: Uint8Array, source: string): Archive {
  const entries = readStoredZip(bytes, source);
  const pickleName = [...entries.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickleName === undefined) {
    throw new UserError(
      `${source} is a zip archive, but not one of torch.save; in PyTorch, torch.save(model.state_dict(), FILE)`,
    );
  }
  const folder = pickleName.slice(0, -'data.pkl'.length);
  if (entries.has(`${folder}constants.pkl`)) {
    throw new UserError(
      `${source} is a TorchScript program; save the weights alone, torch.save(torch.jit.load(FILE).state_dict(), OTHER)`,
    );
  }
  const order = entries.get(`${folder}byteorder`);
  if (order && Buffer.from(order).toString('latin1') !== 'little') {
    throw new UserError(`${source} was saved on a big-endian machine; load and save it again on another`);
  }
  const { value } = unpickle(stored(entries.get(pickleName), source), source, checkpointRules(source));
  const prefix = `${folder}data/`;
  const storages = new Map<string, Uint8Array>();
  for (const [name, content] of entries) {
    if (name.startsWith(prefix)) storages.set(name.slice(prefix.length), stored(content, source));
  }
  return { root: value, storages };
}

function stored(content: ZipContent, source: string): Uint8Array {
  if (content) return content;
  throw new UserError(
    `${source} is a compressed archive, not as torch.save writes it; unzip it and pack it again with zip -0`,
  );
}

/** PyTorch's magic number 0x1950a86a20f9469cfc6c, as the pickle that a file begins with. */
const MAGIC = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
const PROTOCOL_VERSION = 1001;

/** True if the bytes begin as a file of torch.save before PyTorch 1.6 does. */
function isLegacy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * Takes a file of torch.save before PyTorch 1.6 apart (`_legacy_save` in torch/serialization.py): pickles of
 * the magic number, a version, facts about the machine, what was saved, and the keys of its storages; then
 * each storage as a 64-bit count of elements and their bytes.
 */
function readLegacyArchive(bytes: Uint8Array, source: string): Archive {
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
