/** A worker that speaks the protocol, says that batches fail, and fails them; it echoes each image's first value. */
import { workerData } from 'node:worker_threads';
import { serveThread } from '../../../core/workers/thread.ts';
import type { InferenceCalls, InferenceSetup } from '../../../serve/inference/worker.ts';

const { tryBatch } = workerData as InferenceSetup;

serveThread<InferenceCalls>({
  open: () => ({ batchProblem: `it fails with ${tryBatch} images at once` }),
  run: ({ input, images }) => {
    if (images > 1) throw new Error(`${images} images`);
    return { logits: Float32Array.of(input[0]!), milliseconds: 1 };
  },
  close: () => undefined,
});
