import { UserError } from '../../errors.ts';
import { isLegacy, readLegacyArchive } from './legacy.ts';
import { checkpointRules } from './rules.ts';
import { unpickle } from './unpickle.ts';
import { isZip, readStoredZip, type ZipContent } from './zip.ts';

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
