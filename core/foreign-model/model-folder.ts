import { cleanText } from '../cli/printable.ts';
import { UserError } from '../errors.ts';
import type { FileTree } from '../fs/file-tree.ts';

/**
 * The model's file where a folder may be named instead ({@link modelInRepository}).
 * @returns what is no folder as it is
 * @throws UserError if the folder holds no model, or several of which none is `model.onnx`
 */
export async function modelFileAt(path: string, tree: FileTree): Promise<string> {
  if (!(await tree.isFolder(path))) return path;
  const file = await modelInRepository(path, tree);
  if (file === undefined) {
    throw new UserError(`${path} holds no .onnx file, neither itself nor in a folder onnx/`);
  }
  if (await tree.isFile(file)) return file;
  const { basename, dirname } = tree.path;
  const others = (await modelsIn(dirname(file), tree)).map(cleanText).join(', ');
  throw new UserError(
    `${dirname(file)} holds ${others} and no ${basename(file)}; give the one that is meant, as a file`,
  );
}

/**
 * The model file of a repository of Hugging Face's: `model.onnx` or `onnx/model.onnx`, or the only other one in
 * either's place, in the folder itself or, in its cache, in the snapshot that `refs/main` names.
 * @returns where `model.onnx` should be if there are several and none is it; undefined if there is none at all
 */
export async function modelInRepository(folder: string, tree: FileTree): Promise<string | undefined> {
  const direct = await modelInCheckout(folder, tree);
  if (direct !== undefined) return direct;
  const { join } = tree.path;
  const snapshots = join(folder, 'snapshots');
  const revisions = await tree.list(snapshots).catch(() => []);
  const main = await tree.read(join(folder, 'refs', 'main'), 1000).catch(() => undefined);
  const wanted = new TextDecoder().decode(main).trim();
  const revision = revisions.find((name) => name === wanted) ?? revisions.at(-1);
  return revision === undefined ? undefined : modelInCheckout(join(snapshots, revision), tree);
}

async function modelInCheckout(folder: string, tree: FileTree): Promise<string | undefined> {
  const { join } = tree.path;
  for (const at of [folder, join(folder, 'onnx')]) {
    const models = await modelsIn(at, tree);
    const name = models.find((entry) => /^model\.onnx$/i.test(entry));
    if (models.length > 0) return join(at, name ?? (models.length === 1 ? models[0]! : 'model.onnx'));
  }
  return undefined;
}

async function modelsIn(folder: string, tree: FileTree): Promise<string[]> {
  return (await tree.list(folder).catch(() => [])).filter((entry) => /\.onnx$/i.test(entry));
}
