import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { errorMessage, UserError } from '../../core/errors.ts';
import { isFolder } from '../../core/fs/regular-file.ts';
import { displayPath, findModelFile } from '../model-file.ts';
import { MODEL_NAME, MODEL_VERSION, safeName } from './reference.ts';
import { type ModelSource, scanFolder } from './scan-folder.ts';

export interface ModelSelection {
  /** `FILE`, `NAME`, `NAME=FILE` or `NAME@VERSION=FILE` each. Neither these nor a folder: the embedded model. */
  models?: string[];
  /** A model repository, watched for changes. */
  folder?: string | undefined;
  /** For one model of `models`: the JSON file that says how to prepare images for it. */
  preprocessing?: string | undefined;
}

/**
 * Finds what is to be served.
 * @returns asks for the files as they are now
 * @throws UserError if a file is missing or there is no model
 */
export async function selectModels(selection: ModelSelection): Promise<() => Promise<ModelSource[]>> {
  const { models = [], folder, preprocessing } = selection;
  if (preprocessing !== undefined && (models.length !== 1 || folder !== undefined)) {
    throw new UserError(
      '--preprocessing goes with one --model; for several, put a NAME.json beside each NAME.onnx',
    );
  }
  const named: ModelSource[] = [];
  for (const text of models) {
    // A file's own name may have an `=` in it.
    const isFile = text.includes('=') && existsSync(text);
    const { name, version, file } = isFile
      ? { name: undefined, version: 1, file: text }
      : parseModelOption(text);
    const path = resolve(await findModelFile(file));
    // Of a folder, whose model file is called `model.onnx` in all of them, its own name says more.
    const ofFolder = (await isFolder(file)) ? safeName(basename(resolve(file))) : undefined;
    named.push({ name: name ?? ofFolder, version, path, preprocessing, required: true });
  }
  if (folder === undefined) {
    if (named.length === 0) {
      named.push({ name: undefined, version: 1, path: await findModelFile(), required: true });
    }
    return async () => named;
  }
  const sources = async (): Promise<ModelSource[]> => [...named, ...(await scanFolder(folder))];
  const found = await sources().catch((error: unknown) => {
    throw new UserError(`the folder ${displayPath(folder)} cannot be read: ${errorMessage(error)}`);
  });
  if (found.length === 0) {
    throw new UserError(
      `${displayPath(folder)} holds no models; put NAME.onnx or NAME/VERSION/model.onnx into it`,
    );
  }
  return sources;
}

/**
 * Splits `--model [NAME[@VERSION]=]FILE`.
 * @throws UserError if the name or version before the `=` can be none
 */
export function parseModelOption(text: string): { name?: string; version: number; file: string } {
  const equals = text.indexOf('=');
  // A path may hold an `=`; a name holds no separator.
  if (equals < 0 || /[\\/]/.test(text.slice(0, equals))) return { version: 1, file: text };
  const [name = '', version = '1'] = text.slice(0, equals).split('@');
  const file = text.slice(equals + 1);
  if (!MODEL_NAME.test(name) || !MODEL_VERSION.test(version) || file === '') {
    throw new UserError(`--model takes FILE, NAME=FILE or NAME@VERSION=FILE, not "${text}"`);
  }
  return { name, version: Number(version), file };
}
