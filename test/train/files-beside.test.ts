import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { canDrawText } from '../../core/plot/png.ts';
import type { StepReport } from '../../train/loop.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { decodeFields, decodeRecords } from '../runs/decode-events.ts';
import { BATCHES_PER_EPOCH, CONFIG, tinyRun } from './support/tiny-run.ts';

const folder = await temporaryFolder();

test('plots after each epoch, events only where asked for', async () => {
  for (const tensorboard of [false, true]) {
    const warnings: string[] = [];
    const { run } = await tinyRun(folder, `events-${tensorboard}`, {
      config: { epochs: 1 },
      setup: { tensorboard, warn: (line) => warnings.push(line) },
    });
    const names = await readdir(run.path);
    assert.ok(names.includes('plots'));
    assert.equal(names.filter((name) => name.startsWith('events.out.tfevents.')).length, tensorboard ? 1 : 0);
    assert.deepEqual(warnings, []);
  }
});

/** The summaries of a folder's event files: step, and values by tag. */
async function summariesIn(
  path: string,
): Promise<{ step: number; values: Map<string, Map<number, unknown>> }[]> {
  const names = (await readdir(path)).filter((name) => name.startsWith('events.out.tfevents.')).sort();
  const files = await Promise.all(names.map((name) => readFile(join(path, name))));
  return files.flatMap(decodeRecords).flatMap((record) => {
    const fields = new Map(decodeFields(record));
    const summary = fields.get(5) as Buffer | undefined;
    if (!summary) return [];
    const values = decodeFields(summary).map(
      ([, value]) => new Map<number, unknown>(decodeFields(value as Buffer)),
    );
    return [
      {
        step: Number(fields.get(2) ?? 0),
        values: new Map(values.map((value) => [String(value.get(1)), value])),
      },
    ];
  });
}

test('TensorBoard gets every step, also over an interruption, and the settings', async () => {
  const losses: number[] = [];
  const observer = { onStep: ({ loss }: StepReport) => void losses.push(Math.fround(loss)) };
  const options = { config: { epochs: 2 }, setup: { tensorboard: true }, observer };
  // Into two files, whose names are told apart by their second.
  await tinyRun(folder, 'steps', { ...options, stopAfter: BATCHES_PER_EPOCH + 1 });
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const { run } = await tinyRun(folder, 'steps', { ...options, resume: true });
  const steps = await summariesIn(join(run.path, 'steps'));
  assert.deepEqual(
    steps.map(({ step, values }) => [step, values.get('loss/step')?.get(2)]),
    losses.map((loss, i) => [i + 1, loss]),
  );
  assert.equal(losses.length, 2 * BATCHES_PER_EPOCH);
  const [first] = await summariesIn(run.path);
  const metadata = first!.values.get('_hparams_/session_start_info')!.get(9) as Buffer;
  const plugin = new Map(decodeFields(decodeFields(metadata)[0]![1] as Buffer));
  assert.equal(String(plugin.get(1)), 'hparams');
  const start = decodeFields(plugin.get(2) as Buffer)[0]![1] as Buffer;
  const settings = decodeFields(start)
    .filter(([number]) => number === 1)
    .map(([, entry]) => new Map(decodeFields(entry as Buffer)))
    .map((entry) => [String(entry.get(1)), decodeFields(entry.get(2) as Buffer)[0]![1]] as const);
  const stated = new Map(
    settings.map(([name, value]) => [name, Buffer.isBuffer(value) ? String(value) : value]),
  );
  const { learningRate, optimizer } = CONFIG;
  assert.deepEqual(
    [stated.get('learningRate'), stated.get('optimizer'), stated.get('flip')],
    [learningRate, optimizer, 1],
  );
});

test('TensorBoard gets augmented training images once and the confusion matrix of each best epoch', async () => {
  const { run } = await tinyRun(folder, 'images', { config: { epochs: 2 }, setup: { tensorboard: true } });
  const tags = ['augmented', 'confusion'];
  const shown = (await summariesIn(run.path)).flatMap(({ step, values }) =>
    [...values].filter(([tag]) => tags.includes(tag)).map(([tag, value]) => ({ step, tag, value })),
  );
  const image = (value: Map<number, unknown>) => new Map(decodeFields(value.get(4) as Buffer));
  const [augmented, ...others] = shown;
  assert.deepEqual([augmented!.tag, augmented!.step], ['augmented', 1]);
  const first = image(augmented!.value);
  // Six rows, and the originals beside eight variants.
  assert.deepEqual([first.get(1), first.get(2), first.get(3)], [6 * 33 - 1, 32 + 3 + 8 * 33, 3]);
  const size = async (png: unknown) => {
    const { width, height, format } = await sharp(png as Buffer).metadata();
    return { width, height, format };
  };
  assert.deepEqual(await size(first.get(4)), { height: first.get(1), width: first.get(2), format: 'png' });
  const log = (await run.readLog()) as unknown as { testTop1: number; testLoss: number }[];
  const best = log.filter(
    ({ testTop1, testLoss }, i) =>
      !log
        .slice(0, i)
        .some((e) => e.testTop1 > testTop1 || (e.testTop1 === testTop1 && e.testLoss <= testLoss)),
  );
  if (await canDrawText()) {
    assert.deepEqual(
      others.map(({ tag, step }) => [tag, step]),
      best.map((epoch) => ['confusion', log.indexOf(epoch) + 1]),
    );
    const matrix = image(others[0]!.value);
    assert.deepEqual(await size(matrix.get(4)), {
      height: matrix.get(1),
      width: matrix.get(2),
      format: 'png',
    });
  }
});

test('steps that cannot be written are said once', async () => {
  await mkdir(join(folder, 'no-steps'));
  await writeFile(join(folder, 'no-steps', 'steps'), 'a file where the folder should be');
  const warnings: string[] = [];
  const setup = { tensorboard: true, warn: (line: string) => warnings.push(line) };
  const { result } = await tinyRun(folder, 'no-steps', { config: { epochs: 2 }, setup });
  assert.equal(result.finished, true);
  assert.deepEqual(
    [warnings.length, warnings[0]?.split(':')[0]],
    [1, 'the TensorBoard steps were not written'],
  );
});

test('what cannot be written is said and does not end the training', async () => {
  await mkdir(join(folder, 'refused'));
  await writeFile(join(folder, 'refused', 'plots'), 'a file where the folder should be');
  const warnings: string[] = [];
  const { result } = await tinyRun(folder, 'refused', {
    config: { epochs: 1 },
    setup: { warn: (line) => warnings.push(line) },
  });
  assert.equal(result.finished, true);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^the plots were not written: /);
});
