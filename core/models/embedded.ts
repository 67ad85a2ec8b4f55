import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../models', import.meta.url));

/** The names of the models that come with the project, in natural order. */
export async function embeddedModels(): Promise<string[]> {
  const files = await readdir(FOLDER).catch(() => []);
  return files
    .filter((file) => file.endsWith('.onnx'))
    .map((file) => file.slice(0, -'.onnx'.length))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** Where an embedded model's file is. */
export function embeddedModelPath(name: string): string {
  return join(FOLDER, `${name}.onnx`);
}
