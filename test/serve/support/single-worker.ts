/** A worker that speaks the protocol, says that batches fail, and fails them; it echoes each image's first value. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RunMessage, WorkerMessage, WorkerSetup } from '../../../serve/inference/protocol.ts';

const { tryBatch } = workerData as WorkerSetup;
const port = parentPort!;
const send = (message: WorkerMessage): void => port.postMessage(message);

port.on('message', ({ id, input, images }: RunMessage) => {
  if (images > 1) send({ type: 'error', id, reason: `${images} images` });
  else send({ type: 'result', id, logits: Float32Array.of(input[0]!), milliseconds: 1 });
});
send({ type: 'ready', batchProblem: `it fails with ${tryBatch} images at once` });
