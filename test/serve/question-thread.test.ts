import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpError, OverloadError, UnavailableError } from '../../serve/http/http-error.ts';
import { QuestionThread } from '../../serve/threads/question-thread.ts';

const module = new URL('./support/question-worker.ts', import.meta.url);
const thread = (maxWaiting?: number): QuestionThread<string, number> =>
  new QuestionThread({ module, name: 'test', work: 'counting', ...(maxWaiting && { maxWaiting }) });

const status = (error: unknown): number => (error instanceof HttpError ? error.status : 0);

test('answers in order, refuses as the thread does, and tells our faults from refusals', async () => {
  const it = thread();
  assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((question) => it.ask(question))), [1, 2, 3]);
  await assert.rejects(it.ask('refuse'), { status: 418, message: 'as asked' });
  await assert.rejects(it.ask('fail'), (error: Error) => {
    assert.equal(status(error), 0);
    assert.match(error.message, /^counting failed: TypeError: a bug\n.*question-worker/);
    return true;
  });
  assert.equal(await it.ask('d'), 6);
});

test('a question that kills the thread is a 503, and the others are answered by a new one', async () => {
  const it = thread();
  const [a, b, c] = await Promise.allSettled([it.ask('a'), it.ask('die'), it.ask('c')]);
  assert.equal(a.status === 'fulfilled' && a.value, 1);
  assert.ok(b.status === 'rejected' && b.reason instanceof UnavailableError);
  assert.match(b.reason.message, /counting was interrupted; try again/);
  // The new thread's first.
  assert.equal(c.status === 'fulfilled' && c.value, 1);
  assert.equal(await it.ask('d'), 2);
});

test('questions given up are not asked, and too many are refused', async () => {
  const it = thread(3);
  const [a, gone, late, b, refused] = await Promise.allSettled([
    it.ask('a'),
    it.ask('gone', { isGone: () => true }),
    it.ask('late', { deadline: performance.now() - 1 }),
    it.ask('b', { isGone: () => false, deadline: Number.POSITIVE_INFINITY }),
    it.ask('one too many'),
  ]);
  assert.equal(a.status === 'fulfilled' && a.value, 1);
  assert.equal(gone.status === 'rejected' && status(gone.reason), 499);
  assert.ok(late.status === 'rejected' && late.reason instanceof OverloadError);
  assert.equal(b.status === 'fulfilled' && b.value, 2);
  assert.ok(refused.status === 'rejected' && refused.reason instanceof OverloadError);
});
