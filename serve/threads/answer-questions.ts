import { parentPort } from 'node:worker_threads';
import { errorMessage } from '../../core/errors.ts';
import { HttpError } from '../http/http-error.ts';
import type { ThreadAnswer } from './question-threads.ts';

/**
 * What the module of a `QuestionThreads` does.
 * @param transfer what of an answer is given away rather than copied
 */
export function answerQuestions<Q, A>(
  answer: (question: Q) => A | Promise<A>,
  transfer: (answer: A) => ArrayBuffer[] = () => [],
): void {
  const port = parentPort!;
  const send = (message: ThreadAnswer<A>, given: ArrayBuffer[] = []): void =>
    port.postMessage(message, given);
  port.on('message', async (question: Q) => {
    try {
      const found = await answer(question);
      send({ answer: found }, transfer(found));
    } catch (error) {
      if (error instanceof HttpError) send({ status: error.status, message: error.message });
      else send({ fault: (error instanceof Error && error.stack) || errorMessage(error) });
    }
  });
}
