import { basename } from 'node:path';
import { cleanText } from '../cli/printable.ts';
import { UserError } from '../errors.ts';
import type { FileStamps } from '../fs/file-stamps.ts';
import {
  type ClassifierMetadata,
  decodeAnyMetadata,
  decodeMetadata,
  encodeMetadata,
  isOurs,
} from '../model-metadata.ts';
import type { Graph } from '../onnx/graph.ts';
import { decodeModel } from '../onnx/model-file.ts';
import { parseModel } from '../onnx/parse-model.ts';
import { readModelBytes } from '../onnx/read-model-bytes.ts';
import { adaptModel } from './adapt-model.ts';
import { findPreprocessing } from './beside-model.ts';
import { type ModelInterface, modelInterface } from './interface.ts';
import type { Preprocessing } from './preprocessing.ts';

/** A classifier that keeps to the contract of our model files (docs/architecture.md). */
export interface Classifier {
  /** The whole model, nothing of it in other files. */
  bytes: Uint8Array;
  graph: Graph;
  metadata: ClassifierMetadata;
  /** Of a model of another program: what its user should know, a line each. */
  notes: string[];
}

/**
 * Reads an image classifier from an ONNX file: ours, or one of another program, which is adapted by what its
 * graph says and the files beside it ({@link findPreprocessing}).
 * @param options.preprocessing path of that JSON file, if it is elsewhere
 * @param options.anyInterface takes also models of ours that prepare images themselves, or take them as NHWC
 * @param options.files gets the files that are read or looked for, also where loading fails
 * @param options.source what to call the model in an error; default its path
 * @throws UserError if the file cannot be read, is no image classifier, or does not say how to prepare images
 */
export async function loadClassifier(
  path: string,
  options: {
    preprocessing?: string | undefined;
    source?: string;
    anyInterface?: boolean;
    files?: FileStamps;
  } = {},
): Promise<Classifier> {
  const { source = path, files } = options;
  const bytes = await readModelBytes(path, source, files);
  const { graph, metadata } = decodeModel(bytes, source);
  if (options.preprocessing === undefined && isOurs(metadata)) {
    const decode = options.anyInterface ? decodeAnyMetadata : decodeMetadata;
    return { bytes, graph, metadata: decode(metadata, source), notes: [] };
  }
  const given = await findPreprocessing(
    path,
    options.preprocessing,
    parseModel(bytes, source),
    source,
    files,
  );
  const plan = modelInterface(graph, given, source);
  const own = metadataOf(plan, given, path, source);
  const adapted = adaptModel(bytes, plan, encodeMetadata(own), source);
  return { bytes: adapted, graph: decodeModel(adapted, source).graph, metadata: own, notes: notesOf(given) };
}

function takesBytes(dtype: string | undefined): boolean {
  return dtype === 'uint8' || dtype === 'int32';
}

/** What is done otherwise here than by the model's makers, as a line. */
function notesOf({ notes = [] }: Preprocessing): string[] {
  if (notes.length === 0) return [];
  return [
    `its makers' preprocessing ${notes.join(', and ')}; here the middle of the input's shape is resized ` +
      'bilinearly, so its scores may differ from theirs',
  ];
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
    model: cleanText(given.name ?? basename(path).replace(/\.onnx$/i, '')),
    dataset: cleanText(given.dataset ?? 'unknown'),
    labels: plan.labels,
    mean: triple(mean),
    std: triple(std),
    inputLayout: 'NCHW',
    colorSpace: 'RGB',
    inputHeight: plan.height,
    inputWidth: plan.width,
  };
}
