import type { onnx as Onnx } from 'onnx-proto';
import { cleanText } from '../cli/printable.ts';
import { UserError } from '../errors.ts';
import type { FileTree } from '../fs/file-tree.ts';
import { labelsOf } from '../label-forms.ts';
import { dataTypeOf } from '../onnx/tensor-proto.ts';
import { dimsOf, inMetadata } from './in-metadata.ts';
import { type Preprocessing, readJson, readPreprocessing } from './preprocessing.ts';

/** Where the preprocessing of a model of another program is looked for first: `model.json` for `model.onnx`. */
export function preprocessingPath(model: string): string {
  return `${model.replace(/\.onnx$/i, '')}.json`;
}

/**
 * Finds out how to prepare images for a model of another program, and its labels: from the JSON file of its
 * name, else from what Hugging Face's transformers or timm put into its folder (or into the one above, where it
 * lies in `onnx/` as in their repositories), else from the metadata of Ultralytics' exporter. A model that
 * takes bytes needs none; for anything else a guess would give answers that only look right.
 * @param explicit path of the JSON file, if it is elsewhere
 * @param source what to call the model in an error
 * @param tree where the model's file and those beside it are
 * @throws UserError if nothing says it, or what does cannot be read
 */
export async function findPreprocessing(
  path: string,
  explicit: string | undefined,
  model: Onnx.IModelProto,
  source: string,
  tree: FileTree,
): Promise<Preprocessing> {
  const own = inMetadata(model);
  const found =
    explicit === undefined
      ? ((await besideFile(path, source, model, tree)) ?? (own.mean && own))
      : await readPreprocessing(explicit, tree);
  if (!found && !takesBytes(model)) {
    throw new UserError(
      `${source} does not say how to prepare images for it; put that into ${tree.path.basename(preprocessingPath(path))} beside it (or give ` +
        '--preprocessing FILE to serve, predict or export), e.g. {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "labels": "labels.txt"}',
    );
  }
  const { sizes, ...given } = found ?? {};
  const size = given.size ?? chooseSize(sizes, model);
  const labels = given.labels ?? own.labels;
  return { ...given, ...(size && { size }), ...(labels && { labels }) };
}

/** What lies beside a model; where its file is a link, else what lies beside the file that it leads to. */
async function besideFile(
  path: string,
  source: string,
  model: Onnx.IModelProto,
  tree: FileTree,
): Promise<Preprocessing | undefined> {
  for (const at of new Set([path, await tree.real(path)])) {
    const own = preprocessingPath(at);
    if (await tree.has(own)) return readPreprocessing(own, tree);
    const found = await inFolder(at, source, model, tree);
    if (found) return found;
  }
  return undefined;
}

/** What the JSON files of a folder say that is a repository of Hugging Face's. */
async function inFolder(
  path: string,
  source: string,
  model: Onnx.IModelProto,
  tree: FileTree,
): Promise<Preprocessing | undefined> {
  const { basename, dirname, join } = tree.path;
  const folder = dirname(path);
  for (const at of basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder]) {
    const config = join(at, 'config.json');
    const hasConfig = await tree.has(config);
    for (const name of ['preprocessor_config.json', 'processor_config.json']) {
      const processor = join(at, name);
      if (!(await tree.has(processor))) continue;
      refuseForBytes(name, source, model);
      const given = await readPreprocessing(processor, tree);
      const json = hasConfig ? await readJson(config, tree) : {};
      const labels =
        given.labels ?? (json.id2label ? labelsOf({ id2label: json.id2label }, config) : undefined);
      return { ...given, ...(labels && { labels }), ...problemOf(json, config) };
    }
    if (hasConfig && (await isTimmConfig(config, model, tree))) {
      refuseForBytes('config.json', source, model);
      return readPreprocessing(config, tree);
    }
  }
  return undefined;
}

/**
 * What a net of Hugging Face's was trained for.
 * @throws UserError if it is no classifier
 */
function problemOf({ problem_type: problem }: Record<string, unknown>, path: string): Preprocessing {
  if (problem === undefined || problem === null || problem === 'single_label_classification') return {};
  if (problem === 'multi_label_classification') return { multiLabel: true };
  throw new UserError(
    `${path}: its "problem_type" is ${cleanText(JSON.stringify(problem))}, so that its scores are of no classes`,
  );
}

/** A file of that name may be anybody's: where none is needed, one that cannot be read is none of the model's. */
async function isTimmConfig(path: string, model: Onnx.IModelProto, tree: FileTree): Promise<boolean> {
  try {
    return 'pretrained_cfg' in (await readJson(path, tree));
  } catch (error) {
    if (takesBytes(model) || inMetadata(model).mean) return false;
    throw error;
  }
}

/** A graph that takes bytes normalises them itself; whether by what a file beside it says is not known. */
function refuseForBytes(file: string, source: string, model: Onnx.IModelProto): void {
  if (!takesBytes(model)) return;
  throw new UserError(
    `${source} takes bytes, and ${file} says how to normalise: whether its graph does so is not known; ` +
      `put {"mean": 0, "std": 1, "scale": 1} into ${preprocessingPath(source).split(/[\\/]/).at(-1)} beside it if it does`,
  );
}

/** Of several sizes that a file allows, that of the graph; the first where the graph takes any. */
function chooseSize(sizes: Preprocessing['sizes'], model: Onnx.IModelProto): Preprocessing['size'] {
  const [input] = model.graph?.input ?? [];
  const dims = input ? dimsOf(input) : [];
  const pairs = [dims.slice(2, 4), dims.slice(1, 3)];
  return sizes?.find(([h, w]) => pairs.some((pair) => pair[0] === h && pair[1] === w)) ?? sizes?.[0];
}

function takesBytes(model: Onnx.IModelProto): boolean {
  const type = dataTypeOf(model.graph?.input?.[0]?.type?.tensorType?.elemType);
  return type === 'uint8' || type === 'int32';
}
