import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { datasetRecord } from '../../core/data/run-record.ts';
import { UserError } from '../../core/errors.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import type { RunDirectory } from '../../core/runs/run-directory.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { loadCheckpoint, withWeights } from '../../core/weights/checkpoint.ts';
import { readSafetensors } from '../../core/weights/read-safetensors.ts';
import { settle } from '../../train/recipe/make-config.ts';
import type { TrainConfig } from '../../train/recipe/settings.ts';
import { fillTargets } from '../../train/targets.ts';
import { runConfig } from '../../train/trainer.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { CONFIG, checkpointBytes, DATASET, tinyRun } from './support/tiny-run.ts';

const folder = await temporaryFolder();

/** A run of the zoo's resnet8 to learn from. */
async function teacherRun(name: string): Promise<RunDirectory> {
  const model = buildModel('resnet8', { numClasses: DATASET.labels.length });
  initializeParameters(model, 3);
  const { run } = await tinyRun(folder, name, { model, config: { learningRate: 0.2 } });
  await run.writeConfig(runConfig(CONFIG, DATASET));
  return run;
}
const teacher = await teacherRun('teacher');

async function answersOf(run: RunDirectory): Promise<Float32Array> {
  const all = (names: readonly string[]) => new Map(names.map((name) => [name, name]));
  const { tensors } = await readSafetensors(join(run.path, 'teacher.safetensors'), all);
  const { dims, data } = tensors.get('probabilities')!;
  assert.deepEqual(dims, [64, 100]);
  return data;
}

/** What the teacher says of the training images, or of their mirror images, one by one. */
async function probabilities(mirrored: boolean): Promise<number[][]> {
  const best = await loadCheckpoint(teacher.checkpointPath('best'));
  const net = buildModel('resnet8', { numClasses: 100 });
  const session = await openSession(encodeModel(withWeights(net, best.tensors, 'best')), {});
  const normalizer = new Normalizer(DATASET.normalization);
  const all: number[][] = [];
  for (let index = 0; index < 64; index++) {
    const bytes = DATASET.train.images.slice(index * 3072, (index + 1) * 3072);
    if (mirrored) for (let row = 0; row < 96; row++) bytes.subarray(row * 32, row * 32 + 32).reverse();
    const image = new Float32Array(3072);
    normalizer.planar(bytes, 0, image, 0, 1024);
    const { logits } = await session.run({ input: new Tensor('float32', image, [1, 3, 32, 32]) });
    const powers = Array.from(logits!.data as Float32Array, Math.exp);
    const sum = powers.reduce((a, b) => a + b, 0);
    all.push(powers.map((power) => power / sum));
  }
  await session.release();
  return all;
}

function assertNear(actual: Float32Array, expected: readonly number[][]): void {
  const flat = expected.flat();
  assert.equal(actual.length, flat.length);
  for (const [i, value] of flat.entries()) assert.ok(Math.abs(actual[i]! - value) < 1e-5, `${i}`);
}

const student = (config: Partial<TrainConfig>): Partial<TrainConfig> => ({
  teacher: teacher.path,
  ...config,
});

describe('what a student is told', () => {
  it("is the mean of the teacher's answers to an image and to its mirror image", async () => {
    const notes: string[] = [];
    const asked: number[] = [];
    const observer = {
      onNote: (line: string) => notes.push(line),
      onTeach: (n: number) => void asked.push(n),
    };
    const { run } = await tinyRun(folder, 'mirrored', { config: student({}), observer });
    const [plain, mirrored] = [await probabilities(false), await probabilities(true)];
    assertNear(
      await answersOf(run),
      plain.map((own, i) => own.map((value, k) => (value + mirrored[i]![k]!) / 2)),
    );
    assert.equal(asked.at(-1), 64);
    assert.match(
      notes.join(),
      /^taught by .*, which is right about [\d.]+ % of the training images; what it says/,
    );
  });

  it('is of the image alone where images are not mirrored', async () => {
    const { run } = await tinyRun(folder, 'plain', { config: student({ flip: false, epochs: 1 }) });
    assertNear(await answersOf(run), await probabilities(false));
  });

  it('has its share in the targets, mixed as the images are', () => {
    const said = [Float32Array.of(0.5, 0.5, 0), Float32Array.of(0.25, 0.25, 0.5)];
    const mix = { lambda: 0.75, partner: Uint32Array.of(1, 0) };
    const targets = new Float32Array(6);
    const teaching = { of: (i: number) => said[i]!, weight: 0.5 };
    fillTargets([0, 2], 3, targets, { smoothing: 0.3, mix, teaching });
    // Of the labels' half: 0.05 each for smoothing, 0.35 x 0.75 and 0.35 x 0.25.
    const expected = [
      ...[0.05 + 0.2625 + 0.21875, 0.05 + 0.21875, 0.05 + 0.0875 + 0.0625],
      ...[0.05 + 0.0875 + 0.15625, 0.05 + 0.15625, 0.05 + 0.2625 + 0.1875],
    ];
    for (const [i, value] of expected.entries()) assert.ok(Math.abs(targets[i]! - value) < 1e-6, `${i}`);
  });
});

describe('a student', () => {
  it('without a share of the teacher is trained by the labels, and otherwise is not', async () => {
    const last = async (name: string, config: Partial<TrainConfig>) =>
      (await loadCheckpoint((await tinyRun(folder, name, { config })).run.checkpointPath('last'))).tensors;
    const alone = await last('alone', {});
    assert.deepEqual(await last('unheard', student({ teacherWeight: 0 })), alone);
    assert.notDeepEqual(await last('heard', student({ teacherWeight: 1 })), alone);
  });

  it('goes on without its teacher as it would have with it', async () => {
    const away = await teacherRun('teacher-that-leaves');
    const config = { teacher: away.path };
    const whole = await tinyRun(folder, 'undisturbed', { config });
    await tinyRun(folder, 'disturbed', { config, stopAfter: 5 });
    await rename(away.path, `${away.path}-gone`);
    const { run } = await tinyRun(folder, 'disturbed', { config, resume: true });
    assert.deepEqual(await checkpointBytes(run, 'last'), await checkpointBytes(whole.run, 'last'));
  });

  it('that is stopped while its teacher is asked begins anew', async () => {
    const { run, result } = await tinyRun(folder, 'early', { config: student({}), stopAfter: 0 });
    assert.equal(result.finished, false);
    assert.ok(!existsSync(join(run.path, 'teacher.safetensors')));
    const { result: later } = await tinyRun(folder, 'early', { config: student({}), resume: true });
    assert.equal(later.finished, true);
  });

  it('learns from the kept answers of a frozen front as from the loader', async () => {
    const frozen = { freeze: ['conv1', 'bn1', 'layer1'], batchNorm: 'frozen', crop: 0 } as const;
    const last = async (name: string, config: Partial<TrainConfig>) => {
      const { run } = await tinyRun(folder, name, {
        config: student({ ...frozen, freeze: [...frozen.freeze], ...config }),
      });
      return (await loadCheckpoint(run.checkpointPath('last'))).tensors.get('fc.weight')!.data;
    };
    const [kept, off] = [await last('kept', {}), await last('off', { frontCache: 'off' })];
    const scale = Math.max(...off.map(Math.abs));
    for (const [i, value] of off.entries()) assert.ok(Math.abs(kept[i]! - value) < 1e-4 * scale, `${i}`);
  });
});

describe('a teacher is refused', () => {
  const refused = async (name: string, path: string, message: RegExp) => {
    await assert.rejects(tinyRun(folder, name, { config: { teacher: path } }), (error: unknown) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      return true;
    });
  };

  it('that is not there', () =>
    refused(
      'r1',
      'nowhere.onnx',
      /^--teacher nowhere\.onnx: there is no such file, nor a model of that name; give/,
    ));

  it('that does not know the classes', async () => {
    const other = join(folder, 'others');
    await cp(teacher.path, other, { recursive: true });
    const path = join(other, 'config.json');
    const config = JSON.parse(await readFile(path, 'utf8')) as { labels: string[] };
    config.labels[7] = 'unicorn';
    await writeFile(path, JSON.stringify(config));
    await refused('r2', other, new RegExp(`does not know "${DATASET.labels[7]}"; it has to tell apart`));
  });

  it('that takes images of another size', async () => {
    const other = join(folder, 'smaller');
    await cp(teacher.path, other, { recursive: true });
    const record = datasetRecord({ ...DATASET, height: 16, width: 16 }, 64);
    await writeFile(join(other, 'config.json'), JSON.stringify({ ...runConfig(CONFIG, DATASET), ...record }));
    await refused('r3', other, /takes images of 16x16, and these have 32x32/);
  });

  it('of a run that has not learned anything', async () => {
    const { run } = await tinyRun(folder, 'nothing', { stopAfter: 0 });
    await refused('r4', run.path, /the run has no best checkpoint yet/);
  });

  it('where there is none for its share', () => {
    assert.throws(() => settle({ teacherWeight: 0.5 }), /--teacher-weight is the share of a --teacher/);
  });
});
