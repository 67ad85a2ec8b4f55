import { parentPort, workerData } from 'node:worker_threads';
import { BatchMaker, type BatchSource } from '../../train/loader/batch-maker.ts';
import { type BatchRequest, transferList } from '../../train/loader/protocol.ts';

// Makes batches properly up to the third, on which it throws; in epoch 13 it ends without a word instead.
const maker = new BatchMaker(workerData as BatchSource);
parentPort!.on('message', ({ job, epoch, batch, indices, buffers }: BatchRequest) => {
  if (epoch === 13) process.exit(5);
  if (batch === 2) throw new Error('batch 2 is cursed');
  maker.make(epoch, batch, indices, buffers);
  parentPort!.postMessage({ job, buffers }, transferList(buffers));
});
