import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildZip } from '../weights/build-zip.ts';

export type Files = Record<string, string>;

/** The files of a wheel laid out as TensorFlow's, RECORD included; `changes` are made after it was written. */
export function wheelFiles(options: { name?: string; version?: string; changes?: Files } = {}): Files {
  const { name = 'tensorflow_cpu', version = '2.15.1', changes = {} } = options;
  const files: Files = {
    'tensorflow/libtensorflow_cc.so.2': 'the main library',
    'tensorflow/libtensorflow_framework.so.2': 'the framework library',
    'tensorflow/include/tensorflow/c/c_api.h': '// the C API',
    'tensorflow/include/tsl/c/tsl_status.h': '// its status',
    'tensorflow/include/external/png/png.h': '// not needed',
    'tensorflow/python/__init__.py': '# not needed',
  };
  return withRecord(files, `${name}-${version}.dist-info`, changes);
}

/** Files with the RECORD of a wheel, in its metadata folder `info`; `changes` are made after it was written. */
export function withRecord(files: Files, info: string, changes: Files = {}): Files {
  const record = Object.entries(files).map(([path, content]) => {
    const digest = createHash('sha256').update(content).digest('base64url');
    return `${path},sha256=${digest},${content.length}\n`;
  });
  return { ...files, [`${info}/RECORD`]: `${record.join('')}${info}/RECORD,,\n`, ...changes };
}

/** Writes files as a wheel. */
export async function writeWheel(path: string, files: Files): Promise<string> {
  await writeFile(path, wheelBytes(files));
  return path;
}

export function wheelBytes(files: Files): Buffer {
  return buildZip(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)] as const));
}

/** Writes files below a folder. */
export async function writeTree(folder: string, files: Files): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  return folder;
}
