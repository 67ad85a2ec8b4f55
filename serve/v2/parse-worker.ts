/** The thread that reads large requests. */
import { answerQuestions } from '../threads/question-threads.ts';
import { type InferQuestion, type ParsedInfer, parseInfer } from './infer-request.ts';

answerQuestions<InferQuestion, ParsedInfer>(
  ({ body, headerLength, size }) => parseInfer(body, headerLength, size),
  ({ input }) => [input.buffer as ArrayBuffer],
);
