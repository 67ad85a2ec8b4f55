import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeasuredProcess } from '../../bench/child-process.ts';
import { measuredNet } from '../../bench/children/measured-net.ts';
import { script } from '../../bench/contestants.ts';
import { UserError } from '../../core/errors.ts';
import { parameterCount } from '../../core/onnx/roles.ts';

const SETUP = { model: 'resnet8', batchSize: 2, threads: 1 };

for (const [file, options] of [
  ['train', { engine: 'ort' }],
  ['forward', { precision: 'fp32' }],
] as const) {
  test(`the measured process ${file} says which net it holds, what it took and its memory`, async () => {
    const child = await MeasuredProcess.start(file, script(`./children/${file}.ts`), {
      ...SETUP,
      ...options,
    });
    try {
      assert.equal(child.parameters, parameterCount(await measuredNet('resnet8')));
      assert.ok(child.setupSeconds > 0);
      const [one, five] = [await child.run(1), await child.run(5)];
      assert.ok(one > 0 && five > 0);
      const peak = await child.stop();
      assert.ok(peak > 30e6 && peak < 4e9, `${peak} bytes`);
    } finally {
      child.kill();
    }
  });
}

test('a process that cannot prepare its work says why in one line', async () => {
  await assert.rejects(
    MeasuredProcess.start('the trainer', script('./children/train.ts'), { ...SETUP, model: 'resnet21' }),
    (error) =>
      error instanceof UserError &&
      /^the trainer cannot be measured: there is no model "resnet21"/.test(error.message),
  );
});

test('a program that is not there is named', async () => {
  await assert.rejects(
    MeasuredProcess.start('the peer', { command: 'no-such-python', args: [] }, SETUP),
    (error) =>
      error instanceof UserError && /the peer cannot be measured: .*no-such-python/.test(error.message),
  );
});
