import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal, UserError } from '../../core/errors.ts';
import { Thread, ThreadEnded } from '../../core/workers/thread.ts';
import type { AnsweringCalls } from './answering-thread.ts';

const MODULE = new URL('./answering-thread.ts', import.meta.url);
const start = (): Thread<AnsweringCalls> =>
  new Thread(MODULE, { what: 'the test thread', name: 'test', data: { from: 'here' } });
const thread = start();
after(() => thread.end());

test('a call is answered, and what is given away is given away on both sides', async () => {
  const values = Float32Array.of(1, 2, 3.5);
  const sum = thread.call('sum', values, { transfer: [values.buffer] });
  assert.equal(values.length, 0);
  assert.equal(thread.pending, 1);
  assert.deepEqual(await sum, { sum: 6.5, data: { from: 'here' } });
  assert.equal(thread.pending, 0);
  assert.deepEqual(await thread.call('zeros', 4), new Float32Array(4));
  assert.equal(await thread.call('given', undefined), 0);
});

test('errors keep what they are', async () => {
  await assert.rejects(
    thread.call('fail', 'user'),
    (error) => error instanceof UserError && error.message === 'mend it',
  );
  await assert.rejects(
    thread.call('fail', 'refusal'),
    (error) => error instanceof Refusal && error.status === 429 && error.retryAfter === 7,
  );
  await assert.rejects(thread.call('fail', 'bug'), (error: Error) => {
    assert.equal(error.message, 'a bug');
    // With the stack that it had there.
    assert.match(error.stack!, /answering-thread/);
    return !(error instanceof UserError);
  });
});

test('calls go on side by side, tell how far they are, and stop when they are told to', async () => {
  const seen: number[] = [];
  const abort = new AbortController();
  const endless = thread.call('count', 1_000_000, {
    signal: abort.signal,
    onProgress: (value) => {
      seen.push(value);
      if (value === 3) abort.abort();
    },
  });
  assert.equal(await thread.call('count', 2), 2);
  await assert.rejects(endless, { name: 'AbortError' });
  assert.deepEqual(seen.slice(0, 3), [1, 2, 3]);
  await assert.rejects(thread.call('count', 5, { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('a call that is paused waits', async () => {
  let pause: (paused: boolean) => void = () => {};
  let counted = 0;
  const call = thread.call('count', 60, {
    onProgress: (value) => {
      counted = value;
      if (value === 2) pause(true);
    },
    onPausable: (set) => {
      pause = set;
    },
  });
  while (counted < 2) await sleep(1);
  // What was on its way.
  await sleep(30);
  const before = counted;
  await sleep(60);
  assert.equal(counted, before);
  assert.ok(before < 60);
  pause(false);
  assert.equal(await call, 60);
});

test('a thread that dies fails what it was asked and is asked later, with the reason', async () => {
  const mortal = start();
  const asked = [mortal.call('count', 1_000_000), mortal.call('die', 3)];
  for (const call of asked) {
    await assert.rejects(
      call,
      (error) => error instanceof ThreadEnded && /^the test thread ended with code 3$/.test(error.message),
    );
  }
  assert.equal(await mortal.ended, 'ended with code 3');
  await assert.rejects(mortal.call('sum', new Float32Array(1)), ThreadEnded);
  const none = new Thread<AnsweringCalls>(new URL('./no-such-thread.ts', import.meta.url), {
    what: 'the test thread',
    name: 'test',
  });
  await assert.rejects(none.call('die', 1), /^ThreadEnded: the test thread failed: .*no-such-thread/);
});

test('a thread ends when it has answered, or at once', async () => {
  const patient = start();
  const answer = patient.call('count', 20);
  await patient.end();
  assert.equal(await answer, 20);
  const hurried = start();
  const lost = assert.rejects(hurried.call('count', 1_000_000), ThreadEnded);
  await hurried.end({ now: true });
  await lost;
});
