import assert from 'node:assert/strict';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ImageDataset, ImageSplit } from '../../core/data/dataset.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { loadCheckpoint } from '../../core/weights/checkpoint.ts';
import { collectRuns, type PlannedRun, planRuns, readState } from '../../train/ablation/planned-run.ts';
import { summarizeRuns } from '../../train/ablation/results.ts';
import { type AblationSetup, runAblation } from '../../train/ablation/run-ablation.ts';
import type { TrainConfig } from '../../train/recipe/settings.ts';
import { runConfig } from '../../train/trainer.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { rejectsPlainly } from '../data/user-error.ts';
import { BATCHES_PER_EPOCH, CONFIG, checkpointBytes, DATASET as WHOLE } from '../train/support/tiny-run.ts';

const folder = await temporaryFolder();
/** Of 8 x 8 pixels, every fourth: the net is one of the zoo. */
const DATASET: ImageDataset = {
  ...WHOLE,
  height: 8,
  width: 8,
  train: thumbnails(WHOLE.train),
  test: thumbnails(WHOLE.test),
};
const COMMON: TrainConfig = { ...CONFIG, epochs: 2 };

interface Trained {
  results: Awaited<ReturnType<typeof runAblation>>;
  said: string[];
  /** Of each run trained, the epoch and batch it began at. */
  begun: [epoch: number, batch: number][];
}

/** Trains without a console, and stops as soon as `stopAfter` steps are done in all. */
async function trainAll(
  runs: readonly PlannedRun[],
  stopAfter = Number.POSITIVE_INFINITY,
  options: Partial<AblationSetup> = {},
): Promise<Trained> {
  const said: string[] = [];
  const begun: Trained['begun'] = [];
  let steps = 0;
  const results = await runAblation({
    runs,
    dataset: DATASET,
    workers: 1,
    // One thread, so that nothing depends on how many cores there are.
    threads: 1,
    shouldStop: () => steps >= stopAfter,
    say: (line) => said.push(line),
    observe: () => {
      let first = true;
      return {
        onEpochStart: (epoch, _, batch) => {
          if (first) begun.push([epoch, batch]);
          first = false;
        },
        onStep: () => {
          steps++;
        },
      };
    },
    ...options,
  });
  return { results, said, begun };
}

test('an ablation that is interrupted goes on where it was, to the very same results', async () => {
  const plan = (out: string) => planRuns(join(folder, out), COMMON, ['baseline', 'both'], [3]);
  const whole = await trainAll(plan('whole'));
  assert.deepEqual(whole.begun, [
    [0, 0],
    [0, 0],
  ]);
  assert.deepEqual(whole.said.slice(0, 2), [
    '2 runs of resnet8: baseline, both; seeds 3; 2 epochs of 64 images each',
    '0 finished, 0 interrupted, 2 not begun',
  ]);
  assert.ok(
    whole.said.some((line) => /^all 2 runs left: about \d/.test(line)),
    whole.said.join('\n'),
  );
  assert.ok(
    whole.said.some((line) => /^1 run left, about \d/.test(line)),
    whole.said.join('\n'),
  );
  // The table after each run.
  assert.equal(whole.said.filter((line) => /^\| cell +\|/.test(line)).length, 2);

  // In the second epoch of the second run.
  const stopped = await trainAll(plan('parts'), 3 * BATCHES_PER_EPOCH + 2);
  assert.equal(stopped.results, undefined);
  const [first, second] = plan('parts').map(({ path }) => RunDirectory.open(path));
  const { progress } = await loadCheckpoint(second!.checkpointPath('last'));
  assert.deepEqual([progress.epoch, progress.batch], [1, 2]);
  const changed = (await stat(first!.checkpointPath('last'))).mtimeMs;

  const resumed = await trainAll(plan('parts'));
  assert.deepEqual(resumed.begun, [[1, 2]]);
  assert.ok(resumed.said.includes('1 finished, 1 interrupted, 0 not begun'), resumed.said.join('\n'));
  assert.ok(resumed.said.includes('interrupted: both, seed 3, after 1 of 2 epochs'));
  assert.equal((await stat(first!.checkpointPath('last'))).mtimeMs, changed);
  for (const [index, run] of plan('whole').entries()) {
    const expected = await checkpointBytes(RunDirectory.open(run.path), 'last');
    assert.deepEqual(await checkpointBytes([first!, second!][index]!, 'last'), expected);
  }
  assert.deepEqual(
    resumed.results?.cells.map(({ finalTop1, bestTop1 }) => [finalTop1, bestTop1]),
    whole.results?.cells.map(({ finalTop1, bestTop1 }) => [finalTop1, bestTop1]),
  );

  const again = await trainAll(plan('parts'));
  assert.deepEqual(again.begun, []);
  assert.deepEqual(again.results, resumed.results);
  assert.equal(again.said.filter((line) => /^\| cell +\|/.test(line)).length, 1);

  // The same table from what is on disk.
  const { finished, unfinished } = await collectRuns(join(folder, 'parts'));
  assert.deepEqual(summarizeRuns(finished, ['baseline', 'both'], unfinished), resumed.results);
});

test('a run of another config is an error that names the difference, before anything is trained', async () => {
  const out = join(folder, 'other');
  const runs = planRuns(out, COMMON, ['baseline', 'cutmix'], [1]);
  const [baseline, cutmix] = runs as [PlannedRun, PlannedRun];
  const stored = runConfig({ ...cutmix.config, learningRate: 0.2, replicas: 2 }, DATASET);
  await new RunDirectory(cutmix.path).writeConfig(stored);
  await rejectsPlainly(
    trainAll(runs),
    /cutmix-seed1 holds a run of another config: learningRate is 0\.2 there and 0\.05 now, replicas is 2 there and 1 now; .*--out/,
  );
  await assert.rejects(stat(baseline.path), /ENOENT/);
});

test('what a directory needs to be skipped, continued or begun', async () => {
  const [run] = planRuns(join(folder, 'states'), { ...COMMON, epochs: 1 }, ['baseline'], [1]) as [PlannedRun];
  const asked = runConfig(run.config, DATASET);
  const state = () => readState(run.path, asked);
  assert.deepEqual(await state(), { is: 'new' });
  await mkdir(run.path, { recursive: true });
  assert.deepEqual(await state(), { is: 'new' });

  // Ended between the config and the first checkpoint: begun anew, in the directory that is there.
  const directory = new RunDirectory(run.path);
  await directory.writeConfig(asked);
  assert.deepEqual(await state(), { is: 'new' });
  let opened = 0;
  const { begun, results } = await trainAll([run], undefined, {
    onTrain: async () => {
      opened++;
    },
  });
  assert.deepEqual([begun, opened], [[[0, 0]], 1]);
  assert.deepEqual([results?.cells[0]?.finalTop1?.n, results?.cells[0]?.finalTop1?.deviation], [1, null]);
  assert.equal((await state()).is, 'finished');

  const log = await readFile(directory.logPath, 'utf8');
  await writeFile(directory.logPath, '');
  await rejectsPlainly(state(), /trained to the end but its log lacks epochs/);
  await writeFile(directory.logPath, log);
  await rm(directory.checkpointPath('last'));
  assert.equal((await state()).is, 'finished');
  await rm(directory.checkpointPath('previous'));
  await writeFile(directory.logPath, log.replace('"epoch":0', '"epoch":1'));
  await rejectsPlainly(state(), /no checkpoint to continue from; remove it/);
});

test('a run that fails says which it was', async () => {
  const runs = planRuns(join(folder, 'diverging'), { ...COMMON, learningRate: 1e30 }, ['cutmix'], [4]);
  await rejectsPlainly(trainAll(runs), /^cutmix, seed 4: the .*; lower --lr/);
});

function thumbnails({ count, images, labels }: ImageSplit): ImageSplit {
  const small = Uint8Array.from({ length: count * 3 * 64 }, (_, i) => {
    const [plane, row, column] = [Math.floor(i / 64), Math.floor(i / 8) % 8, i % 8];
    return images[plane * 1024 + row * 4 * 32 + column * 4]!;
  });
  return { count, images: small, labels };
}
