import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { onnx as Onnx } from 'onnx-proto';
import { UserError } from '../errors.ts';
import type { FileStamps } from '../fs/file-stamps.ts';
import { labelsOf } from '../labels.ts';
import { dataTypeOf } from '../onnx/tensor-proto.ts';
import { type Preprocessing, readJson, readPreprocessing } from './preprocessing.ts';
import { parsePythonNames } from './python-literal.ts';

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
 * @param files gets the files that are read or looked for
 * @throws UserError if nothing says it, or what does cannot be read
 */
export async function findPreprocessing(
  path: string,
  explicit: string | undefined,
  model: Onnx.IModelProto,
  source: string,
  files?: FileStamps,
): Promise<Preprocessing> {
  const props = propsOf(model);
  const found =
    explicit === undefined
      ? ((await besideFile(path, source, model, files)) ?? fromUltralytics(props))
      : await readPreprocessing(explicit, files);
  if (!found && !takesBytes(model)) {
    throw new UserError(
      `${source} does not say how to prepare images for it; put that into ${basename(preprocessingPath(path))} beside it or give ` +
        '--preprocessing FILE, e.g. {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "labels": "labels.txt"}',
    );
  }
  const { sizes, ...given } = found ?? {};
  const size = given.size ?? chooseSize(sizes, model);
  const labels = given.labels ?? namesInMetadata(props, model);
  return { ...given, ...(size && { size }), ...(labels && { labels }) };
}

/** What lies beside a model; where its file is a link, else what lies beside the file that it leads to. */
async function besideFile(
  path: string,
  source: string,
  model: Onnx.IModelProto,
  files?: FileStamps,
): Promise<Preprocessing | undefined> {
  for (const at of new Set([path, await realpath(path).catch(() => path)])) {
    const own = preprocessingPath(at);
    if (await exists(own, files)) return readPreprocessing(own, files);
    const found = await inFolder(at, source, model, files);
    if (found) return found;
  }
  return undefined;
}

/** What the JSON files of a folder say that is a repository of Hugging Face's. */
async function inFolder(
  path: string,
  source: string,
  model: Onnx.IModelProto,
  files?: FileStamps,
): Promise<Preprocessing | undefined> {
  const folder = dirname(path);
  for (const at of basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder]) {
    const config = join(at, 'config.json');
    const hasConfig = await exists(config, files);
    for (const name of ['preprocessor_config.json', 'processor_config.json']) {
      const processor = join(at, name);
      if (!(await exists(processor, files))) continue;
      refuseForBytes(processor, source, model);
      const given = await readPreprocessing(processor, files);
      const json = hasConfig ? await readJson(config, files) : {};
      const labels =
        given.labels ?? (json.id2label ? labelsOf({ id2label: json.id2label }, config) : undefined);
      return { ...given, ...(labels && { labels }) };
    }
    const isTimm = hasConfig && 'pretrained_cfg' in (await readJson(config, files));
    if (isTimm) {
      refuseForBytes(config, source, model);
      return readPreprocessing(config, files);
    }
  }
  return undefined;
}

/** A graph that takes bytes normalises them itself; whether by what a file beside it says is not known. */
function refuseForBytes(file: string, source: string, model: Onnx.IModelProto): void {
  if (!takesBytes(model)) return;
  throw new UserError(
    `${source} takes bytes, and ${basename(file)} says how to normalise: whether its graph does so is not known; ` +
      `put {"mean": 0, "std": 1, "scale": 1} into ${basename(preprocessingPath(source))} beside it if it does`,
  );
}

/** A classifier of Ultralytics takes RGB from 0 to 1, whatever data it was trained on. */
function fromUltralytics(props: ReadonlyMap<string, string>): Preprocessing | undefined {
  if (props.get('author') !== 'Ultralytics' || props.get('task') !== 'classify') return undefined;
  const size = /^\s*\[(\d{1,4}), *(\d{1,4})\]\s*$/.exec(props.get('imgsz') ?? '');
  return { mean: [0], std: [1], ...(size && { sizes: [[Number(size[1]), Number(size[2])]] }) };
}

/**
 * The class names that YOLO's exporters put into the metadata as `names`; undefined where other programs mean
 * something else by it, or there are not as many as the model has scores.
 */
function namesInMetadata(props: ReadonlyMap<string, string>, model: Onnx.IModelProto): string[] | undefined {
  const text = props.get('names');
  if (text === undefined || (props.get('task') ?? 'classify') !== 'classify') return undefined;
  const names = parsePythonNames(text) ?? parseJson(text);
  let labels: string[];
  try {
    labels = labelsOf(names, 'names');
  } catch {
    return undefined;
  }
  const scores = (model.graph?.output ?? []).map((value) => dimsOf(value).at(-1));
  const fits = scores.some((classes) => classes === undefined || classes === labels.length);
  return fits || (labels.length === 2 && scores.includes(1)) ? labels : undefined;
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

/** Sizes; undefined where one is any. */
function dimsOf(value: Onnx.IValueInfoProto): (number | undefined)[] {
  return (value.type?.tensorType?.shape?.dim ?? []).map(({ dimValue, dimParam }) =>
    dimParam ? undefined : Number(dimValue ?? 0) || undefined,
  );
}

function propsOf(model: Onnx.IModelProto): Map<string, string> {
  return new Map((model.metadataProps ?? []).map(({ key, value }) => [key ?? '', value ?? '']));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function exists(path: string, files?: FileStamps): Promise<boolean> {
  await files?.add(path);
  return (await stat(path).catch(() => undefined)) !== undefined;
}
