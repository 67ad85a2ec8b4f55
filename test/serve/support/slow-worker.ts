/** A worker that speaks the protocol and takes its time: 150 ms for a batch, and zeros for logits. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RunMessage, WorkerMessage, WorkerSetup } from '../../../serve/inference/protocol.ts';

const { classes } = workerData as WorkerSetup;
const port = parentPort!;
const send = (message: WorkerMessage): void => port.postMessage(message);

port.on('message', ({ id, images }: RunMessage) => {
  setTimeout(
    () => send({ type: 'result', id, logits: new Float32Array(images * classes), milliseconds: 150 }),
    150,
  );
});
send({ type: 'ready' });
