import type { RunLimits } from '../inference/pool.ts';
import { LARGE_JSON } from '../threads/large-json.ts';
import { ownBuffer, QuestionThreads } from '../threads/question-threads.ts';
import type { InputSize, ParsedInfer } from './infer-request.ts';

/** To the thread: what `parseInfer` takes. */
export interface InferQuestion {
  body: Uint8Array;
  headerLength: number | undefined;
  size: InputSize;
}

const threads = new QuestionThreads<InferQuestion, ParsedInfer>({
  module: new URL('./parse-worker.ts', import.meta.url),
  name: 'read requests',
  work: 'reading large JSON',
});

export function hasLargeJson(body: Uint8Array, headerLength: number | undefined): boolean {
  return Math.min(body.length, headerLength ?? Number.POSITIVE_INFINITY) > LARGE_JSON;
}

/**
 * As `parseInfer`, in a thread beside the main one.
 * @param body may be given away
 * @throws Refusal as `parseInfer`, or if too much waits for the threads
 */
export function parseLarge(question: InferQuestion, limits: RunLimits): Promise<ParsedInfer> {
  return threads.ask(question, limits, ownBuffer(question.body));
}
