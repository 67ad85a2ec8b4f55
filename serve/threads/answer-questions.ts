import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { errorMessage } from '../../core/errors.ts';
import { HttpError } from '../http/http-error.ts';
import { dropGarbage } from './drop-garbage.ts';
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
  yieldToOthers();
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
    // In a turn of its own, in which nothing holds the question any more.
    setImmediate(dropGarbage);
  });
}

/** Nearly all requests need the main thread and the model's; these come after them where there are few cores. */
function yieldToOthers(): void {
  // On Linux a thread has a priority of its own; elsewhere it is the process's.
  if (process.platform !== 'linux') return;
  try {
    setPriority(5);
  } catch {
    // As it is, then.
  }
}
