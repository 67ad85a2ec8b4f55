/**
 * The inference thread. onnxruntime's `run` blocks the thread that calls it, which must not be the one that
 * answers HTTP requests.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../../core/errors.ts';
import { findBatchProblem } from '../../core/foreign-model/batch-trial.ts';
import { Random } from '../../core/random.ts';
import { type InferenceSession, Tensor } from '../../core/runtime/session.ts';
import { openShared } from './open-session.ts';
import type { RunMessage, WorkerMessage, WorkerSetup } from './protocol.ts';

const setup = workerData as WorkerSetup;
const port = parentPort!;
const imageSize = 3 * setup.height * setup.width;

const send = (message: WorkerMessage, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);

try {
  const session = await openShared(setup.model, setup.sharedFolder, setup.threads);
  if (!session.inputNames.includes('input') || !session.outputNames.includes('logits')) {
    throw new Error('it must have an input "input" and an output "logits"');
  }
  // The first run allocates; do it before a client waits for it.
  await infer(session, new Float32Array(imageSize), 1);
  const batchProblem = await tryBatches(session, setup.tryBatch ?? 1);
  port.on('message', (message: RunMessage) => void answer(session, message));
  send({ type: 'ready', ...(batchProblem === undefined ? {} : { batchProblem }) });
} catch (error) {
  send({ type: 'unusable', reason: errorMessage(error).split('\n')[0]! });
}

async function infer(
  session: InferenceSession,
  input: Float32Array,
  images: number,
  options: InferenceSession.RunOptions = {},
): Promise<Float32Array<ArrayBuffer>> {
  const feed = new Tensor('float32', input, [images, 3, setup.height, setup.width]);
  const { logits } = await session.run({ input: feed }, ['logits'], options);
  if (logits?.type !== 'float32' || logits.size !== images * setup.classes) {
    throw new Error(
      `its logits are ${logits?.type} [${logits?.dims}], not [${images}, ${setup.classes}] float32`,
    );
  }
  // A copy: the output's memory belongs to onnxruntime and cannot be transferred.
  return new Float32Array(logits.data as Float32Array);
}

/** Tries images of one colour and noise, by themselves and in batches of 2 and of the largest size. */
async function tryBatches(session: InferenceSession, largest: number): Promise<string | undefined> {
  if (largest < 2) return undefined;
  const random = new Random(1);
  const images = [() => 4 * random.uniform() - 2, () => 0.5, () => -1].map((value) =>
    Float32Array.from({ length: imageSize }, value),
  );
  const run = (some: readonly Float32Array[]): Promise<Float32Array> => {
    const input = new Float32Array(some.length * imageSize);
    for (const [i, image] of some.entries()) input.set(image, i * imageSize);
    // That it fails may be the answer; onnxruntime need not tell the terminal too.
    return infer(session, input, some.length, { logSeverityLevel: 4 });
  };
  const rows: Float32Array[] = [];
  for (const image of images) rows.push(await run([image]));
  return findBatchProblem(run, images, rows, largest === 2 ? [2] : [2, largest]);
}

async function answer(session: InferenceSession, { id, input, images }: RunMessage): Promise<void> {
  const start = performance.now();
  try {
    const logits = await infer(session, input, images);
    send({ type: 'result', id, logits, milliseconds: performance.now() - start }, [logits.buffer]);
  } catch (error) {
    send({ type: 'error', id, reason: errorMessage(error) });
  }
}
