/** The thread that reads large requests. */
import { answerQuestions } from '../threads/question-threads.ts';
import { type ParsedInfer, parseInfer } from './infer-request.ts';
import type { InferQuestion } from './large-request.ts';

answerQuestions<InferQuestion, ParsedInfer>(
  ({ body, headerLength, size }) => parseInfer(body, headerLength, size),
  ({ input }) => [input.buffer as ArrayBuffer],
);
