import { errorMessage, UserError } from '../../../core/errors.ts';
import { decodeMetadata } from '../../../core/model-metadata.ts';
import type { Graph } from '../../../core/onnx/graph.ts';
import { decodeModel } from '../../../core/onnx/model-file.ts';
import { Classifier } from './classifier.ts';
import { download } from './download.ts';
import { Lock } from './lock.ts';
import type { ModelSource, OpenedModel, Progress } from './protocol.ts';
import { ort, THREADS } from './runtime.ts';

const opening = new Lock();
let current: Classifier | undefined;

/**
 * The model that is open.
 * @throws UserError if there is none
 */
export function currentModel(): Classifier {
  if (!current) throw new UserError('No model is open yet; wait for it to load, or open an .onnx file.');
  return current;
}

/**
 * Fetches and opens a model; the one open before stays until this one works.
 * @throws UserError if it cannot be fetched or is not a classifier this page can run
 */
export async function openModel(
  source: ModelSource,
  context: { progress: (progress: Progress) => void; signal: AbortSignal },
): Promise<OpenedModel> {
  const from = 'url' in source ? source.url : source.file;
  const bytes = await download(from, source.name, context.signal, context.progress);
  return opening.run(async () => {
    context.signal.throwIfAborted();
    // The very modules the server reads models with.
    const { graph, metadata: props } = decodeModel(bytes, source.name);
    const metadata = decodeMetadata(props, source.name);
    checkEnds(graph, source.name);
    const classifier = new Classifier(await createSession(bytes, source.name), metadata, source.name);
    // The first run allocates; it also shows now rather than later if the graph does not fit its metadata.
    await classifier.warmUp();
    const previous = current;
    current = classifier;
    await previous?.release();
    return {
      name: source.name,
      metadata,
      parameters: countParameters(graph),
      bytes: bytes.length,
      threads: THREADS,
    };
  });
}

async function createSession(bytes: Uint8Array, name: string): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(bytes, { graphOptimizationLevel: 'all' });
  } catch (error) {
    throw new UserError(`${name} cannot be run in this browser: ${errorMessage(error).split('\n')[0]}`);
  }
}

function checkEnds(graph: Graph, name: string): void {
  const input = graph.inputs.find((value) => value.name === 'input');
  if (input?.dtype !== 'float32' || !graph.outputs.some((value) => value.name === 'logits')) {
    throw new UserError(
      `${name} is no classifier of this project: it needs a float32 "input" and an output "logits"; export it with npm run export.`,
    );
  }
}

/** Weights only: shapes and other integer constants are none. */
function countParameters(graph: Graph): number {
  let count = 0;
  for (const tensor of graph.initializers.values()) {
    if (tensor.dtype === 'float32' || tensor.dtype === 'float16') count += tensor.data.length;
  }
  return count;
}
