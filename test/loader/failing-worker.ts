import { workerData } from 'node:worker_threads';
import { serveThread } from '../../core/workers/thread.ts';
import { BatchMaker, type BatchSource } from '../../train/loader/batch-maker.ts';
import type { LoaderCalls } from '../../train/loader/worker.ts';

// Makes batches properly up to the third, on which it throws; in epoch 13 it ends without a word instead.
const maker = new BatchMaker(workerData as BatchSource);
serveThread<LoaderCalls>({
  make: ({ epoch, batch, indices, buffers }) => {
    if (epoch === 13) process.exit(5);
    if (batch === 2) throw new Error('batch 2 is cursed');
    maker.make(epoch, batch, indices, buffers);
    return buffers;
  },
});
