/** A worker that speaks the protocol and takes its time: 150 ms for a batch, and zeros for logits. */
import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { serveThread } from '../../../core/workers/thread.ts';
import type { InferenceCalls, InferenceSetup } from '../../../serve/inference/worker.ts';

const { classes } = workerData as InferenceSetup;

serveThread<InferenceCalls>({
  open: () => ({}),
  run: async ({ images }) => {
    await sleep(150);
    return { logits: new Float32Array(images * classes), milliseconds: 150 };
  },
  close: () => undefined,
});
