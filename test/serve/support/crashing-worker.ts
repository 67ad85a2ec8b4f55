/** A worker that speaks the protocol, echoes each image's first value as its only logit, and dies on 666. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RunMessage, WorkerMessage, WorkerSetup } from '../../../serve/inference/protocol.ts';

const { height, width } = workerData as WorkerSetup;
const port = parentPort!;
const send = (message: WorkerMessage): void => port.postMessage(message);

port.on('message', ({ id, input, images }: RunMessage) => {
  const size = 3 * height * width;
  const logits = Float32Array.from({ length: images }, (_, i) => input[i * size]!);
  if (logits.includes(666)) process.exit(1);
  if (logits.includes(667)) send({ type: 'error', id, reason: 'as asked' });
  // The number of images stands in for the time, to show how requests were joined.
  else send({ type: 'result', id, logits, milliseconds: images });
});
send({ type: 'ready' });
