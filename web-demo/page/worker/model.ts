import { UserError } from '../../../core/errors.ts';
import type { Precision } from '../../../core/model-metadata.ts';
import type { Graph } from '../../../core/onnx/graph.ts';
import { whyNotOnWebGpu } from '../../../core/runtime/webgpu-refusals.ts';
import { OpenClassifier } from './classifier.ts';
import { classifyPicture, decodeOnce, type Seen } from './classify.ts';
import { readGiven } from './foreign.ts';
import { Lock } from './lock.ts';
import type { Calls, Classification, ClassifyRequest, OpenedModel, Progress } from './protocol.ts';
import { type OpenSession, openSession, openToTry } from './session.ts';
import { THREADS } from './threads.ts';

const opening = new Lock();
let current: OpenClassifier | undefined;
let seen: Seen | undefined;

/**
 * The model that is open.
 * @throws UserError if there is none
 */
export function currentModel(): OpenClassifier {
  if (!current) throw new UserError('No model is open yet; wait for it to load, or open an .onnx file.');
  return current;
}

/** What was classified last; undefined before the first picture. */
export function lastSeen(): Seen | undefined {
  return seen;
}

/**
 * Classifies a picture with the open model.
 * @throws UserError if it cannot be read, or no model is open
 */
export async function classify(request: ClassifyRequest): Promise<Classification> {
  const { classification, seen: now } = await classifyPicture(request, currentModel);
  seen = now;
  return classification;
}

/**
 * Opens a model; the one open before stays until this one works.
 * @throws UserError if it is not a classifier this page can run
 */
export async function openModel(
  { name, backend: choice, picture, ...given }: Calls['open']['params'],
  context: { progress: (progress: Progress) => void; signal: AbortSignal },
): Promise<OpenedModel> {
  return opening.run(async () => {
    context.signal.throwIfAborted();
    // While what will run the model still comes; what is wrong with a picture is no matter of the model's.
    const isRead =
      picture &&
      decodeOnce(picture).then(
        () => true,
        () => false,
      );
    // The very modules the server reads models with.
    const { bytes, graph, metadata, assumed, notes } = await readGiven(name, given, openToTry);
    context.signal.throwIfAborted();
    const precision = precisionOf(graph);
    const tried = new Map<OpenSession['session'], Tried>();
    // One run shows now rather than later whether the graph runs there, and fits its metadata; if there is a picture to
    // look at, that one, as the first run takes longest.
    const probe = async (open: OpenSession): Promise<void> => {
      const classifier = new OpenClassifier(open, metadata, name);
      if (picture && (await isRead)) {
        const first = await classifyPicture(picture, () => classifier);
        tried.set(open.session, { classifier, first });
      } else {
        await classifier.warmUp();
        tried.set(open.session, { classifier });
      }
    };
    const whyNot = () => whyNotOnWebGpu(graph);
    const open = await openSession(bytes, name, choice, precision === 'int8', whyNot, probe, context);
    const previous = current;
    const { classifier, first } = tried.get(open.session)!;
    current = classifier;
    if (first) seen = first.seen;
    await previous?.release();
    return {
      name,
      metadata,
      assumed,
      notes,
      precision,
      parameters: countWeights(graph),
      bytes: 'files' in given ? bytes.length : given.file.length,
      backend: open.backend,
      runtimeUrl: open.runtimeUrl,
      ...(open.fallback === undefined ? {} : { fallback: open.fallback }),
      threads: THREADS,
      ...(first && { first: first.classification }),
    };
  });
}

/** A model that ran once, and what it said of the picture if there was one. */
interface Tried {
  classifier: OpenClassifier;
  first?: Awaited<ReturnType<typeof classifyPicture>>;
}

/** By where most of the weights are: scales and biases of a quantised model are float32 too. */
export function precisionOf(graph: Graph): Precision {
  const sizes = { fp32: 0, fp16: 0, int8: 0 };
  for (const { dtype, data } of graph.initializers.values()) {
    if (dtype === 'float32') sizes.fp32 += data.length;
    else if (dtype === 'float16') sizes.fp16 += data.length;
    else if (dtype === 'int8' || dtype === 'uint8') sizes.int8 += data.length;
  }
  const [most] = Object.entries(sizes).sort(([, a], [, b]) => b - a);
  return most![0] as Precision;
}

/** Weights only: shapes and other integer constants are none. */
function countWeights(graph: Graph): number {
  let count = 0;
  for (const { dtype, data } of graph.initializers.values()) {
    if (dtype === 'float32' || dtype === 'float16' || dtype === 'int8' || dtype === 'uint8') {
      count += data.length;
    }
  }
  return count;
}
