import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OverloadError, Refusal, UnavailableError } from '../../core/errors.ts';
import { QuestionThreads } from '../../serve/threads/question-threads.ts';

const module = new URL('./support/question-worker.ts', import.meta.url);
const start = (maxWaiting?: number, threads = 1): QuestionThreads<string, number> =>
  new QuestionThreads({ module, name: 'test', work: 'counting', threads, ...(maxWaiting && { maxWaiting }) });

const status = (error: unknown): number => (error instanceof Refusal ? error.status : 0);

test('answers in order, refuses as the thread does, and tells our faults from refusals', async () => {
  const it = start();
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
  const it = start();
  const [a, b, c] = await Promise.allSettled([it.ask('a'), it.ask('die'), it.ask('c')]);
  assert.equal(a.status === 'fulfilled' && a.value, 1);
  assert.ok(b.status === 'rejected' && b.reason instanceof UnavailableError);
  assert.match(b.reason.message, /counting was interrupted; try again/);
  // The new thread's first.
  assert.equal(c.status === 'fulfilled' && c.value, 1);
  assert.equal(await it.ask('d'), 2);
});

test('questions given up are not asked, and too many are refused', async () => {
  const it = start(3);
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

test('clients are served by turns, and one alone never has all the threads', async () => {
  const it = start(undefined, 2);
  await Promise.all([it.ask('a', { client: 'x' }), it.ask('b', { client: 'y' })]);
  const order: string[] = [];
  const ask = async (client: string): Promise<void> => {
    await it.ask('slow', { client });
    order.push(client);
  };
  const begin = performance.now();
  const many = Array.from({ length: 5 }, () => ask('many'));
  await Promise.all([...many.slice(0, 1), ask('other'), ask('third')]);
  // The second thread was left to others.
  const first = order.slice(0, 4);
  assert.ok(first.includes('other') && first.includes('third'), `${order}`);
  await Promise.all(many);
  assert.ok(performance.now() - begin >= 450, 'one after the other');
});

test('nobody waits past the deadline for a question that is being answered', async () => {
  const it = start();
  await it.ask('a');
  const begin = performance.now();
  await assert.rejects(it.ask('slow', { deadline: begin + 30 }), { name: 'OverloadError', status: 503 });
  assert.ok(performance.now() - begin < 95);
  // The thread goes on, and its answer is nobody's.
  assert.equal(await it.ask('b'), 3);
});
