import { basename, resolve } from 'node:path';
import type { FileStamps } from '../fs/file-stamps.ts';
import { diskFiles } from '../fs/file-tree.ts';
import { type ClassifierMetadata, decodeAnyMetadata, decodeMetadata, isOurs } from '../model-metadata.ts';
import type { Graph } from '../onnx/graph.ts';
import { decodeModel } from '../onnx/model-file.ts';
import { parseModel } from '../onnx/parse-model.ts';
import { readModelBytes } from '../onnx/read-model-bytes.ts';
import { adaptForeign, ONE_BY_ONE } from './adapt-foreign.ts';
import { findPreprocessing } from './beside-model.ts';
import type { RunnableModel } from './interface.ts';
import { modelFileAt } from './model-folder.ts';
import { openModel } from './open-model.ts';
import { preprocessingNotes } from './preprocessing.ts';

/** A classifier that keeps to the contract of our model files (docs/architecture.md). */
export interface LoadedClassifier {
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
 * @param path of the file, or of a folder as Hugging Face lays it out ({@link modelFileAt})
 * @param options.preprocessing path of that JSON file, if it is elsewhere
 * @param options.anyInterface takes also models of ours that prepare images themselves, or take them as NHWC
 * @param options.files gets the files that are read or looked for, also where loading fails
 * @param options.open opens a model of another program to try it; default {@link openModel}
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
    open?: (bytes: Uint8Array) => Promise<RunnableModel>;
  } = {},
): Promise<LoadedClassifier> {
  const { files } = options;
  const tree = diskFiles(files);
  const file = await modelFileAt(path, tree);
  const { source = file } = options;
  const bytes = await readModelBytes(file, source, files);
  const model = parseModel(bytes, source);
  // Not by decoding it: outputs that nobody asks for may be of any type in a model of another program.
  const props = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key ?? '', value ?? '']));
  if (options.preprocessing === undefined && isOurs(props)) {
    const { graph, metadata } = decodeModel(bytes, source);
    const decode = options.anyInterface ? decodeAnyMetadata : decodeMetadata;
    const own = decode(metadata, source);
    return { bytes, graph, metadata: own, notes: own.oneByOne ? [ONE_BY_ONE] : [] };
  }
  const given = await findPreprocessing(file, options.preprocessing, model, source, tree);
  const { notes, ...adapted } = await adaptForeign(bytes, given, {
    name: basename(resolve(path)).replace(/\.onnx$/i, ''),
    source,
    open: options.open ?? openModel,
  });
  const { graph } = decodeModel(adapted.bytes, source);
  return { ...adapted, graph, notes: [...preprocessingNotes(given), ...notes] };
}
