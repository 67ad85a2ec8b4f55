import { workerData } from 'node:worker_threads';
import { serveThread } from '../../core/workers/thread.ts';
import { type BatchBuffers, BatchMaker, type BatchSource } from './batch-maker.ts';

/** What a loader asks of its threads. */
export type LoaderCalls = {
  /** Fills the buffers, which come back. */
  make: { params: BatchRequest; result: BatchBuffers };
};

export interface BatchRequest {
  epoch: number;
  /** The batch's number in its epoch. */
  batch: number;
  /** The images to use. */
  indices: Uint32Array;
  /** Height and width to resize to after augmentation; absent: they stay as they are. */
  imageSize?: number | undefined;
  buffers: BatchBuffers;
}

const maker = new BatchMaker(workerData as BatchSource);

serveThread<LoaderCalls>({
  make: ({ epoch, batch, indices, imageSize, buffers }, { transfer }) => {
    maker.make(epoch, batch, indices, buffers, imageSize);
    transfer(buffers.images.buffer, buffers.labels.buffer, buffers.targets.buffer);
    return buffers;
  },
});
