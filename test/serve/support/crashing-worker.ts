/**
 * A worker that speaks the protocol, echoes each image's first value as its only logit, dies on 666, and on
 * 665 if that is the first it is asked by this pool.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { RunMessage, WorkerMessage, WorkerSetup } from '../../../serve/inference/protocol.ts';

const { height, width, model } = workerData as WorkerSetup;
/** The pool's workers share it: not 0 once one died of 665. */
const died = new Uint8Array(model);
const port = parentPort!;
const send = (message: WorkerMessage): void => port.postMessage(message);

port.on('message', ({ id, input, images }: RunMessage) => {
  const size = 3 * height * width;
  const logits = Float32Array.from({ length: images }, (_, i) => input[i * size]!);
  if (logits.includes(666)) process.exit(1);
  if (logits.includes(665) && died[0] === 0) {
    died[0] = 1;
    process.exit(1);
  }
  if (logits.includes(667)) send({ type: 'error', id, reason: 'as asked' });
  // The number of images stands in for the time, to show how requests were joined.
  else send({ type: 'result', id, logits, milliseconds: images });
});
send({ type: 'ready' });
