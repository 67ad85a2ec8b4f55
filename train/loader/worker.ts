import { parentPort, workerData } from 'node:worker_threads';
import { BatchMaker, type BatchSource } from './batch-maker.ts';
import { type BatchReply, type BatchRequest, transferList } from './protocol.ts';

// An error is left to end the thread: the loader then fails whatever waits for it.
const maker = new BatchMaker(workerData as BatchSource);
const port = parentPort!;
port.on('message', ({ job, epoch, batch, indices, imageSize, buffers }: BatchRequest) => {
  maker.make(epoch, batch, indices, buffers, imageSize);
  const reply: BatchReply = { job, buffers };
  port.postMessage(reply, transferList(buffers));
});
