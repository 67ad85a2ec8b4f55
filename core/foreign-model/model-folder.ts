import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cleanText } from '../cli/printable.ts';
import { UserError } from '../errors.ts';
import { isFile, isFolder, readRegularFile } from '../fs/regular-file.ts';

/**
 * The model's file where a folder may be named instead ({@link modelInRepository}).
 * @returns what is no folder as it is
 * @throws UserError if the folder holds no model, or several of which none is `model.onnx`
 */
export async function modelFileAt(path: string): Promise<string> {
  if (!(await isFolder(path))) return path;
  const file = await modelInRepository(path);
  if (file === undefined) {
    throw new UserError(`${path} holds no .onnx file, neither itself nor in a folder onnx/`);
  }
  if (await isFile(file)) return file;
  const others = (await modelsIn(dirname(file))).map(cleanText).join(', ');
  throw new UserError(
    `${dirname(file)} holds ${others} and no ${basename(file)}; name the one that is meant, as a file`,
  );
}

/**
 * The model file of a repository of Hugging Face's: `model.onnx` or `onnx/model.onnx`, or the only other one in
 * either's place, in the folder itself or, in its cache, in the snapshot that `refs/main` names.
 * @returns where `model.onnx` should be if there are several and none is it; undefined if there is none at all
 */
export async function modelInRepository(folder: string): Promise<string | undefined> {
  const direct = await modelInCheckout(folder);
  if (direct !== undefined) return direct;
  const snapshots = join(folder, 'snapshots');
  const revisions = await visibleIn(snapshots).catch(() => []);
  const main = await readRegularFile(join(folder, 'refs', 'main'), 1000).catch(() => '');
  const revision = revisions.find((name) => name === String(main).trim()) ?? revisions.at(-1);
  return revision === undefined ? undefined : modelInCheckout(join(snapshots, revision));
}

async function modelInCheckout(folder: string): Promise<string | undefined> {
  for (const at of [folder, join(folder, 'onnx')]) {
    const models = await modelsIn(at);
    const name = models.find((entry) => /^model\.onnx$/i.test(entry));
    if (models.length > 0) return join(at, name ?? (models.length === 1 ? models[0]! : 'model.onnx'));
  }
  return undefined;
}

async function modelsIn(folder: string): Promise<string[]> {
  return (await visibleIn(folder).catch(() => [])).filter((entry) => /\.onnx$/i.test(entry));
}

/** What is in a folder, sorted, but for what begins with a dot. */
export async function visibleIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
}
