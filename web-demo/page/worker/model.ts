import { UserError } from '../../../core/errors.ts';
import { OpenClassifier } from './classifier.ts';
import { readModel } from './foreign.ts';
import { Lock } from './lock.ts';
import { countWeights, precisionOf } from './precision.ts';
import type { Calls, OpenedModel, Progress } from './protocol.ts';
import { type OpenSession, openSession, openToTry } from './session.ts';
import { THREADS } from './threads.ts';

const opening = new Lock();
let current: OpenClassifier | undefined;

/**
 * The model that is open.
 * @throws UserError if there is none
 */
export function currentModel(): OpenClassifier {
  if (!current) throw new UserError('No model is open yet; wait for it to load, or open an .onnx file.');
  return current;
}

/**
 * Opens a model; the one open before stays until this one works.
 * @throws UserError if it is not a classifier this page can run
 */
export async function openModel(
  { name, file, backend: choice }: Calls['open']['params'],
  context: { progress: (progress: Progress) => void; signal: AbortSignal },
): Promise<OpenedModel> {
  return opening.run(async () => {
    context.signal.throwIfAborted();
    // The very modules the server reads models with.
    const { bytes, graph, metadata, assumed, notes } = await readModel(file, name, openToTry);
    context.signal.throwIfAborted();
    const precision = precisionOf(graph);
    // One run on nothing shows now rather than later whether the graph runs there, and fits its metadata.
    const probe = (candidate: OpenSession): Promise<void> =>
      new OpenClassifier(candidate, metadata, name).warmUp();
    const open = await openSession(bytes, name, choice, precision === 'int8', probe, context);
    const previous = current;
    current = new OpenClassifier(open, metadata, name);
    await previous?.release();
    return {
      name,
      metadata,
      assumed,
      notes,
      precision,
      parameters: countWeights(graph),
      bytes: file.length,
      backend: open.backend,
      runtimeUrl: open.runtimeUrl,
      ...(open.fallback === undefined ? {} : { fallback: open.fallback }),
      threads: THREADS,
    };
  });
}
