/** A thread that answers calls in all the ways that there are. */
import { workerData } from 'node:worker_threads';
import { Refusal, UserError } from '../../core/errors.ts';
import { serveThread } from '../../core/workers/thread.ts';

export type AnsweringCalls = {
  /** The sum of the numbers, and what the thread was started with. */
  sum: { params: Float32Array<ArrayBuffer>; result: { sum: number; data: unknown } };
  /** As many zeros, whose memory is given away; how long it is afterwards is what `given` says. */
  zeros: { params: number; result: Float32Array<ArrayBuffer> };
  given: { params: undefined; result: number };
  fail: { params: 'user' | 'refusal' | 'bug'; result: never };
  /** Counts up, a step at a time, until told to stop. */
  count: { params: number; result: number; progress: number };
  die: { params: number; result: never };
};

let last: Float32Array<ArrayBuffer> | undefined;

serveThread<AnsweringCalls>({
  sum: (values) => ({ sum: values.reduce((a, b) => a + b, 0), data: workerData }),
  zeros: (length, { transfer }) => {
    last = new Float32Array(length);
    transfer(last.buffer);
    return last;
  },
  given: () => last!.length,
  fail: (how) => {
    if (how === 'user') throw new UserError('mend it');
    if (how === 'refusal') throw new Refusal(429, 'later', 7);
    throw new TypeError('a bug');
  },
  count: async (to, { progress, signal, gate }) => {
    for (let i = 1; i <= to; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      await gate.pass();
      signal.throwIfAborted();
      progress(i);
    }
    return to;
  },
  die: (code) => process.exit(code),
});
