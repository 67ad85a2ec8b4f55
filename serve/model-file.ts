import { join, relative } from 'node:path';
import { UserError } from '../core/errors.ts';
import { loadClassifier } from '../core/foreign-model/load-classifier.ts';
import { modelFileAt, modelInRepository } from '../core/foreign-model/model-folder.ts';
import { openInThread } from '../core/foreign-model/open-model.ts';
import type { FileStamps } from '../core/fs/file-stamps.ts';
import { DISK } from '../core/fs/file-tree.ts';
import { isFile } from '../core/fs/regular-file.ts';
import type { ClassifierMetadata } from '../core/model-metadata.ts';
import { embeddedModelPath, embeddedModels } from '../core/models/embedded.ts';
import type { Dim, Graph } from '../core/onnx/graph.ts';

/** Where `npm run export` puts models, from the working directory. */
const EXPORTED = 'exports';

/** A model ready to be served. */
export interface ServedModel {
  /** Where it was read from, for messages on the terminal (never for clients). */
  path: string;
  bytes: Uint8Array;
  metadata: ClassifierMetadata;
  /** What its user should know of it, a line each. */
  notes: string[];
}

/**
 * Finds the model file meant by `model`: a path, else `exports/NAME.onnx`, else `models/NAME.onnx`, else that of
 * a folder as Hugging Face lays it out (or the only one in it); without `model`, the embedded model (the first of models/ in natural order if there are several).
 * @throws UserError if there is none, or a folder has several of which none is `model.onnx`
 */
export async function findModelFile(model?: string): Promise<string> {
  if (model === undefined) {
    const embedded = await embeddedModels();
    if (embedded.length === 0) {
      throw new UserError(
        'models/ holds no .onnx file; name a model with --model FILE, or make one with npm run export',
      );
    }
    return embeddedModelPath(embedded[0]!);
  }
  const candidates = [model];
  if (/^[\w-][\w.-]*$/.test(model) && !model.endsWith('.onnx')) {
    candidates.push(join(EXPORTED, `${model}.onnx`), embeddedModelPath(model));
  }
  for (const path of candidates) if (await isFile(path)) return path;
  if ((await modelInRepository(model, DISK)) !== undefined) return modelFileAt(model, DISK);
  const embedded = await embeddedModels();
  const known = embedded.length > 0 ? ` (embedded: ${embedded.join(', ')})` : '';
  const tried =
    candidates.length > 1
      ? `no file "${model}", exports/${model}.onnx or models/${model}.onnx`
      : `no file "${model}"`;
  throw new UserError(`there is ${tried}${known}`);
}

/**
 * Reads a model file and its metadata; a model of another program is adapted (see {@link loadClassifier}).
 * @param preprocessing the JSON file that says how to prepare images for it, if it is not beside the model
 * @param files gets the files that are read or looked for
 * @throws UserError if it cannot be read, is not an ONNX model, or its metadata and graph disagree
 */
export async function loadServedModel(
  path: string,
  preprocessing?: string,
  files?: FileStamps,
): Promise<ServedModel> {
  const source = displayPath(path);
  const { bytes, graph, metadata, notes } = await loadClassifier(path, {
    preprocessing,
    source,
    // Others are answered meanwhile.
    open: openInThread,
    ...(files && { files }),
  });
  checkGraph(graph, metadata, source);
  return { path, bytes, metadata, notes };
}

/** Refuses a graph that does not fit its metadata, which would only show in the first inference. */
function checkGraph(graph: Graph, metadata: ClassifierMetadata, source: string): void {
  const input = graph.inputs.find((value) => value.name === 'input');
  const logits = graph.outputs.find((value) => value.name === 'logits');
  if (!input || !logits || graph.inputs.length !== 1) {
    throw new UserError(
      `${source} is no classifier of ours: it needs one input "input" and an output "logits"`,
    );
  }
  const [batch] = input.dims;
  if (typeof batch === 'number' && batch > 1) {
    throw new UserError(`${source} takes ${batch} images exactly; export it with --batch dynamic for this`);
  }
  const { inputHeight, inputWidth, labels } = metadata;
  // A dimension that is a name takes any size.
  const differs = (actual: Dim | undefined, expected: number): boolean =>
    typeof actual === 'number' && actual !== expected;
  if (input.dims.length !== 4 || differs(input.dims[2], inputHeight) || differs(input.dims[3], inputWidth)) {
    throw new UserError(
      `${source} takes [${input.dims.join(', ')}] but its metadata says ${inputHeight}x${inputWidth}; export it again`,
    );
  }
  if (differs(logits.dims.at(-1), labels.length)) {
    throw new UserError(
      `${source} has ${logits.dims.at(-1)} outputs but ${labels.length} labels; export it again`,
    );
  }
}

/** The path as a person would type it: relative if it is below the working directory. */
export function displayPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}
