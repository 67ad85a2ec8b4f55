import { parentPort, workerData } from 'node:worker_threads';
import { BatchMaker, type BatchSource } from './batch-maker.ts';
import { type BatchReply, type BatchRequest, transferList } from './protocol.ts';

// An error is left to end the thread: the loader then fails whatever waits for it.
const maker = new BatchMaker(workerData as BatchSource);
const port = parentPort!;
port.on('message', ({ job, epoch, batch, indices, images, labels }: BatchRequest) => {
  maker.make(epoch, batch, indices, images, labels);
  const reply: BatchReply = { job, images, labels };
  port.postMessage(reply, transferList(reply));
});
