/** A worker that speaks the protocol, and answers for each image how many threads it was given. */
import { workerData } from 'node:worker_threads';
import { serveThread } from '../../../core/workers/thread.ts';
import type { InferenceCalls, InferenceSetup } from '../../../serve/inference/worker.ts';

const { threads } = workerData as InferenceSetup;

serveThread<InferenceCalls>({
  open: () => ({}),
  // The number of images stands in for the time, to show how requests were joined.
  run: ({ images }) => ({ logits: new Float32Array(images).fill(threads), milliseconds: images }),
  close: () => undefined,
});
