/**
 * A worker that speaks the protocol, echoes each image's first value as its only logit, dies on 666, and on
 * 665 if that is the first it is asked by this pool.
 */
import { workerData } from 'node:worker_threads';
import { serveThread } from '../../../core/workers/thread.ts';
import type { InferenceCalls, InferenceSetup } from '../../../serve/inference/worker.ts';

const { height, width, model } = workerData as InferenceSetup;
/** The pool's workers share it: not 0 once one died of 665. */
const died = new Uint8Array(model);

serveThread<InferenceCalls>({
  open: () => ({}),
  run: ({ input, images }) => {
    const size = 3 * height * width;
    const logits = Float32Array.from({ length: images }, (_, i) => input[i * size]!);
    if (logits.includes(666)) process.exit(1);
    if (logits.includes(665) && died[0] === 0) {
      died[0] = 1;
      process.exit(1);
    }
    if (logits.includes(667)) throw new Error('as asked');
    // The number of images stands in for the time, to show how requests were joined.
    return { logits, milliseconds: images };
  },
  close: () => undefined,
});
