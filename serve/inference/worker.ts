/**
 * The inference thread. onnxruntime's `run` blocks the thread that calls it, which must not be the one that
 * answers HTTP requests.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { errorMessage } from '../../core/errors.ts';
import { openSession } from './open-session.ts';
import type { RunMessage, WorkerMessage, WorkerSetup } from './protocol.ts';

const setup = workerData as WorkerSetup;
const port = parentPort!;

const send = (message: WorkerMessage, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);

try {
  const session = await openSession(setup.model, setup.sharedFolder, setup.threads);
  if (!session.inputNames.includes('input') || !session.outputNames.includes('logits')) {
    throw new Error('it must have an input "input" and an output "logits"');
  }
  // The first run allocates; do it before a client waits for it.
  await infer(session, new Float32Array(3 * setup.height * setup.width), 1);
  port.on('message', (message: RunMessage) => void answer(session, message));
  send({ type: 'ready' });
} catch (error) {
  send({ type: 'unusable', reason: errorMessage(error).split('\n')[0]! });
}

async function infer(
  session: InferenceSession,
  input: Float32Array,
  images: number,
): Promise<Float32Array<ArrayBuffer>> {
  const feed = new Tensor('float32', input, [images, 3, setup.height, setup.width]);
  const { logits } = await session.run({ input: feed }, ['logits']);
  if (logits?.type !== 'float32' || logits.size !== images * setup.classes) {
    throw new Error(
      `its logits are ${logits?.type} [${logits?.dims}], not [${images}, ${setup.classes}] float32`,
    );
  }
  // A copy: the output's memory belongs to onnxruntime and cannot be transferred.
  return new Float32Array(logits.data as Float32Array);
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
