/** A worker that speaks the protocol, and answers for each image how many threads it was given. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RunMessage, WorkerMessage, WorkerSetup } from '../../../serve/inference/protocol.ts';

const { threads } = workerData as WorkerSetup;
const port = parentPort!;
const send = (message: WorkerMessage): void => port.postMessage(message);

port.on('message', ({ id, images }: RunMessage) => {
  // The number of images stands in for the time, to show how requests were joined.
  send({ type: 'result', id, logits: new Float32Array(images).fill(threads), milliseconds: images });
});
send({ type: 'ready' });
