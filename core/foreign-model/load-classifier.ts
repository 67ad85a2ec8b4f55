import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { UserError } from '../errors.ts';
import { exactInt8 } from '../inference/exact-int8.ts';
import { type ClassifierMetadata, decodeAnyMetadata, decodeMetadata } from '../model-metadata.ts';
import type { Graph } from '../onnx/graph.ts';
import { decodeModel } from '../onnx/model-file.ts';
import { parseModel } from '../onnx/parse-model.ts';
import { readModelBytes } from '../onnx/read-model-bytes.ts';
import { dataTypeOf } from '../onnx/tensor-proto.ts';
import { adaptForeign, type OpenModel, takesBytes } from './adapt-foreign.ts';
import { type Preprocessing, readPreprocessing } from './preprocessing.ts';

/** A classifier that keeps to the contract of our model files (docs/architecture.md). */
export interface Classifier {
  /** The whole model, nothing of it in other files. */
  bytes: Uint8Array;
  graph: Graph;
  metadata: ClassifierMetadata;
  /** Of a model of another program: what its user should know, a line each. */
  notes: string[];
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
    open?: (bytes: Uint8Array) => Promise<OpenModel>;
  } = {},
): Promise<Classifier> {
  const { source = path } = options;
  const bytes = await readModelBytes(path, source);
  const model = parseModel(bytes, source);
  const props = new Set(model.metadataProps.map(({ key }) => key));
  if (options.preprocessing === undefined && ['labels', 'mean', 'std'].some((key) => props.has(key))) {
    const { graph, metadata } = decodeModel(bytes, source);
    const decode = options.anyInterface ? decodeAnyMetadata : decodeMetadata;
    return { bytes, graph, metadata: decode(metadata, source), notes: [] };
  }
  const inputType = dataTypeOf(model.graph.input?.[0]?.type?.tensorType?.elemType);
  const given = await findPreprocessing(path, options.preprocessing, inputType, source);
  const adapted = await adaptForeign(bytes, given, {
    name: basename(path).replace(/\.onnx$/i, ''),
    source,
    open: options.open ?? openModel,
  });
  return { ...adapted, graph: decodeModel(adapted.bytes, source).graph };
}

/** Bytes need no preprocessing; for anything else a guess would give answers that only look right. */
async function findPreprocessing(
  path: string,
  explicit: string | undefined,
  inputType: string | undefined,
  source: string,
): Promise<Preprocessing> {
  const beside = preprocessingPath(path);
  if (explicit !== undefined || existsSync(beside)) return readPreprocessing(explicit ?? beside);
  if (takesBytes(inputType)) return {};
  throw new UserError(
    `${source} does not say how to prepare images for it; put that into ${basename(beside)} beside it or give ` +
      '--preprocessing FILE, e.g. {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "labels": "labels.txt"}',
  );
}

const QUIET: InferenceSession.RunOptions = { logSeverityLevel: 4 };

/** Opens a model in onnxruntime-node, in this thread. */
export async function openModel(bytes: Uint8Array): Promise<OpenModel> {
  const session = await InferenceSession.create(bytes, {
    logSeverityLevel: 4,
    extra: { session: { ...(await exactInt8()), intra_op: { allow_spinning: '0' } } },
  });
  return {
    run: async (images, dims) => {
      // That a batch fails may be the answer; onnxruntime need not tell the terminal too.
      const { logits } = await session.run({ input: new Tensor('float32', images, dims) }, QUIET);
      return { data: logits!.data as Float32Array, dims: logits!.dims };
    },
    close: () => session.release(),
  };
}
