import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { UserError } from '../errors.ts';
import {
  type ClassifierMetadata,
  decodeAnyMetadata,
  decodeMetadata,
  encodeMetadata,
} from '../model-metadata.ts';
import type { Graph } from '../onnx/graph.ts';
import { decodeModel } from '../onnx/model-file.ts';
import { readModelBytes } from '../onnx/read-model-bytes.ts';
import { adaptModel } from './adapt-model.ts';
import { type ModelInterface, modelInterface } from './interface.ts';
import { type Preprocessing, readPreprocessing } from './preprocessing.ts';

/** A classifier that keeps to the contract of our model files (docs/architecture.md). */
export interface Classifier {
  /** The whole model, nothing of it in other files. */
  bytes: Uint8Array;
  graph: Graph;
  metadata: ClassifierMetadata;
}

/** Where the preprocessing of a model of another program is looked for: `model.json` for `model.onnx`. */
export function preprocessingPath(model: string): string {
  return `${model.replace(/\.onnx$/i, '')}.json`;
}

/**
 * Reads an image classifier from an ONNX file: ours, or one of another program, which is adapted by what its
 * graph says and the JSON file beside it ({@link Preprocessing}).
 * @param options.preprocessing path of that JSON file, if it is elsewhere
 * @param options.anyInterface takes also models of ours that prepare images themselves, or take them as NHWC
 * @param options.source what to call the model in an error; default its path
 * @throws UserError if the file cannot be read, is no image classifier, or does not say how to prepare images
 */
export async function loadClassifier(
  path: string,
  options: { preprocessing?: string | undefined; source?: string; anyInterface?: boolean } = {},
): Promise<Classifier> {
  const { source = path } = options;
  const bytes = await readModelBytes(path, source);
  const { graph, metadata } = decodeModel(bytes, source);
  if (options.preprocessing === undefined && ['labels', 'mean', 'std'].some((key) => key in metadata)) {
    const decode = options.anyInterface ? decodeAnyMetadata : decodeMetadata;
    return { bytes, graph, metadata: decode(metadata, source) };
  }
  const given = await findPreprocessing(path, options.preprocessing, graph, source);
  const plan = modelInterface(graph, given, source);
  const own = metadataOf(plan, given, path, source);
  const adapted = adaptModel(bytes, plan, encodeMetadata(own), source);
  return { bytes: adapted, graph: decodeModel(adapted, source).graph, metadata: own };
}

/** Bytes need no preprocessing; for anything else a guess would give answers that only look right. */
async function findPreprocessing(
  path: string,
  explicit: string | undefined,
  graph: Graph,
  source: string,
): Promise<Preprocessing> {
  const beside = preprocessingPath(path);
  if (explicit !== undefined || existsSync(beside)) return readPreprocessing(explicit ?? beside);
  if (takesBytes(graph.inputs[0]?.dtype)) return {};
  throw new UserError(
    `${source} does not say how to prepare images for it; put that into ${basename(beside)} beside it or give ` +
      '--preprocessing FILE, e.g. {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "labels": "labels.txt"}',
  );
}

function takesBytes(dtype: string | undefined): boolean {
  return dtype === 'uint8' || dtype === 'int32';
}

/** Our metadata says `(v / 255 - mean) / std` in RGB order, whatever scale and order the model has. */
function metadataOf(
  plan: ModelInterface,
  given: Preprocessing,
  path: string,
  source: string,
): ClassifierMetadata {
  const bytes = takesBytes(plan.inputType);
  const {
    mean = bytes ? [0] : undefined,
    std = bytes ? [1] : undefined,
    scale = bytes ? 1 : 1 / 255,
  } = given;
  if (!mean || !std) {
    throw new UserError(
      `${source}: its JSON file must give "mean" and "std"; of a model that takes values from 0 to 1 they are 0 and 1`,
    );
  }
  const triple = (values: number[]): [number, number, number] => {
    const [first = 0, second = first, third = first] = values.map((value) => value / (255 * scale));
    return plan.color === 'BGR' ? [third, second, first] : [first, second, third];
  };
  return {
    model: given.name ?? basename(path).replace(/\.onnx$/i, ''),
    dataset: given.dataset ?? 'unknown',
    labels: plan.labels,
    mean: triple(mean),
    std: triple(std),
    inputLayout: 'NCHW',
    colorSpace: 'RGB',
    inputHeight: plan.height,
    inputWidth: plan.width,
  };
}
