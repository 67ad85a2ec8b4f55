import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { modelInRepository } from '../../core/foreign-model/model-folder.ts';
import { DISK, visibleIn } from '../../core/fs/file-tree.ts';
import { isFolder } from '../../core/fs/regular-file.ts';
import { MODEL_VERSION, safeName } from './reference.ts';

/** A model file that is to be served as a version of a model. */
export interface ModelSource {
  /** Undefined: what the file's metadata calls it. */
  name: string | undefined;
  version: number;
  path: string;
  /** The JSON file that says how to prepare images for it, if it is not beside the model. */
  preprocessing?: string | undefined;
  /** Asked for by name: without it there is no start. Of a folder, what can be loaded is served. */
  required?: boolean;
}

/** A model file as it lies in the folder, under whatever name. */
interface Found {
  given: string;
  version: number;
  path: string;
}

/**
 * The model files of a model repository: `NAME.onnx` (version 1), `NAME@2.onnx`, Triton's layout
 * `NAME/2/model.onnx`, and repositories of Hugging Face's ({@link modelInRepository}). Links are followed. What begins with a dot, and anything else in the folder, is left
 * alone. A name that no address can hold is made one by {@link safeName}; where that is another's too, it gets
 * a part of its own after a hyphen.
 * @returns by name, then by version
 * @throws the file system's error if the folder cannot be read
 */
export async function scanFolder(folder: string): Promise<ModelSource[]> {
  const found: Found[] = [];
  for (const given of await visibleIn(folder)) {
    const path = join(folder, given);
    if (await isFolder(path)) {
      found.push(...(await scanModel(path, given)));
      continue;
    }
    const [, stem] = /^(.+)\.onnx$/i.exec(given) ?? [];
    if (stem === undefined) continue;
    const [, name = stem, version = '1'] = /^(.+)@(\d+)$/.exec(stem) ?? [];
    const isVersion = MODEL_VERSION.test(version);
    found.push({ given: isVersion ? name : stem, version: isVersion ? Number(version) : 1, path });
  }
  const sources = named(found);
  return sources.sort(
    (a, b) => a.name!.localeCompare(b.name!, 'en', { numeric: true }) || a.version - b.version,
  );
}

/** `NAME/VERSION/model.onnx`; as in Triton, folders whose name is no number are no versions. */
async function scanModel(folder: string, given: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const entry of await visibleIn(folder).catch(() => [])) {
    const path = join(folder, entry);
    if (!MODEL_VERSION.test(entry) || !(await isFolder(path))) continue;
    const name = (await visibleIn(path).catch(() => [])).find((file) => /^model\.onnx$/i.test(file));
    found.push({ given, version: Number(entry), path: join(path, name ?? 'model.onnx') });
  }
  if (found.length > 0) return found;
  const path = await modelInRepository(folder, DISK);
  return path === undefined ? [] : [{ given, version: 1, path }];
}

function named(found: readonly Found[]): ModelSource[] {
  const givenBy = new Map<string, Set<string>>();
  for (const { given } of found) {
    const name = safeName(given);
    givenBy.set(name, (givenBy.get(name) ?? new Set()).add(given));
  }
  return found.map(({ given, version, path }) => {
    const name = safeName(given);
    if (given === name || givenBy.get(name)!.size === 1) return { name, version, path };
    // By the name alone, so that it stays whatever else comes and goes.
    const own = createHash('sha256').update(given).digest('hex').slice(0, 6);
    return { name: `${name.slice(0, 93)}-${own}`, version, path };
  });
}
