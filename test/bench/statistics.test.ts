import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alternate, speedRatio } from '../../bench/alternate.ts';
import type { MeasuredProcess } from '../../bench/child-process.ts';
import { median, relativeSpread } from '../../bench/statistics.ts';

test('the median of an odd and an even number of values', () => {
  assert.equal(median([5, 1, 3]), 3);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

test('the spread is not spoilt by an outlier', () => {
  assert.equal(relativeSpread([10, 10, 10, 1000]), 0);
  assert.equal(relativeSpread([8, 10, 12, 10]), 0.1);
});

/** Stands for a process that takes so many seconds a batch, one value a turn. */
function pretend(name: string, secondsPerBatch: number[], log: string[]): MeasuredProcess {
  let turn = 0;
  return {
    run: async (times: number) => {
      log.push(name);
      return times * secondsPerBatch[turn++]!;
    },
  } as unknown as MeasuredProcess;
}

test('processes are timed by turns, each round beginning with another one', async () => {
  const log: string[] = [];
  const processes = [pretend('a', [1, 1, 1], log), pretend('b', [1, 1, 1], log)];
  await alternate(processes, { rounds: 2, secondsPerTurn: 1 });
  assert.deepEqual(log, ['a', 'b', 'a', 'b', 'b', 'a']);
});

test('a ratio compares within a round, so that a slow machine does not show', async () => {
  // The first value is the trial. In the second round the machine is four times slower for both.
  const log: string[] = [];
  const processes = [pretend('a', [1, 1, 4, 1], log), pretend('b', [2, 2, 8, 2], log)];
  const [a, b] = await alternate(processes, { rounds: 3, secondsPerTurn: 4 });
  assert.deepEqual(a!.rates, [1, 0.25, 1]);
  assert.equal(a!.rate, 1);
  assert.equal(speedRatio(a!, b!), 2);
});
