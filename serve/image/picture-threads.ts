import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { QuestionThreads } from '../threads/question-threads.ts';
import type { PictureQuestion } from './picture-worker.ts';

/** Pictures that are decoded at a time: each may need hundreds of megabytes. */
const PICTURES_AT_A_TIME = 4;

const threads = new QuestionThreads<PictureQuestion, Uint8Array>({
  module: new URL('./picture-worker.ts', import.meta.url),
  name: 'picture',
  work: 'decoding large pictures',
  threads: Math.min(PICTURES_AT_A_TIME, Math.max(2, availableParallelism())),
  maxWaiting: Number.POSITIVE_INFINITY,
});

/**
 * Decodes and resizes a large picture of the user's own in a thread. Idle threads keep no program from ending.
 * @returns [height, width, 3]
 * @throws UserError if it is no picture, or damaged
 */
export function prepareInThread(question: PictureQuestion): Promise<Uint8Array> {
  // Each is a client of its own: one alone would not have all of the threads.
  return threads.ask(question, { client: randomUUID() });
}
