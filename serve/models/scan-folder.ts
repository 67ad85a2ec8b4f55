import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelSource } from './model-source.ts';
import { MODEL_NAME, MODEL_VERSION } from './reference.ts';

/**
 * The model files of a model repository: `NAME.onnx` (version 1), `NAME@2.onnx`, and Triton's layout
 * `NAME/2/model.onnx`. Anything else in the folder is left alone.
 * @returns by name, then by version
 * @throws the file system's error if the folder cannot be read
 */
export async function scanFolder(folder: string): Promise<ModelSource[]> {
  const sources: ModelSource[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      if (MODEL_NAME.test(entry.name)) sources.push(...(await scanVersions(folder, entry.name)));
      continue;
    }
    const found = /^(.+?)(?:@([^@]+))?\.onnx$/.exec(entry.name);
    const [, name = '', version = '1'] = found ?? [];
    if (MODEL_NAME.test(name) && MODEL_VERSION.test(version)) {
      sources.push({ name, version: Number(version), path: join(folder, entry.name) });
    }
  }
  return sources.sort(
    (a, b) => a.name!.localeCompare(b.name!, 'en', { numeric: true }) || a.version - b.version,
  );
}

/** `NAME/VERSION/model.onnx`; as in Triton, folders whose name is no number are no versions. */
async function scanVersions(folder: string, name: string): Promise<ModelSource[]> {
  const entries: Dirent[] = await readdir(join(folder, name), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && MODEL_VERSION.test(entry.name))
    .map((entry) => ({
      name,
      version: Number(entry.name),
      path: join(folder, name, entry.name, 'model.onnx'),
    }));
}
