/** Answers with how many questions it was asked; some of them end otherwise. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../../../core/errors.ts';
import { answerQuestions } from '../../../serve/threads/question-threads.ts';

let asked = 0;

answerQuestions<string, number>(async (question) => {
  asked++;
  if (question === 'die') process.exit(1);
  if (question === 'refuse') throw new Refusal(418, 'as asked');
  if (question === 'slow') await sleep(100);
  if (question === 'fail') throw new TypeError('a bug');
  return asked;
});
