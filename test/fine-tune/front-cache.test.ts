import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadCheckpoint } from '../../core/weights/checkpoint.ts';
import type { TrainConfig } from '../../train/recipe/settings.ts';
import { vectorLayout } from '../../train/state.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { checkpointBytes, DATASET, initialModel, tinyRun } from '../train/support/tiny-run.ts';

const folder = await temporaryFolder();
const FROZEN = { freeze: ['conv1', 'bn1', 'layer1', 'layer2'], batchNorm: 'frozen', crop: 0 } as const;
const freeze = [...FROZEN.freeze];

/** Trains a tiny net, and says what is told of its front. */
async function run(
  name: string,
  config: Partial<TrainConfig>,
  more: { stopAfter?: number; resume?: boolean } = {},
) {
  const notes: string[] = [];
  const made = await tinyRun(folder, name, {
    ...more,
    config: { ...FROZEN, freeze, epochs: 2, momentum: 0.9, ...config },
    observer: { onNote: (line) => notes.push(line) },
  });
  const { tensors } = await loadCheckpoint(made.run.checkpointPath('last'));
  return { ...made, notes, tensors };
}
type Run = Awaited<ReturnType<typeof run>>;

/** The worst relative error of a tensor that the test compares. */
function distance(a: Run, b: Run): number {
  assert.deepEqual([...a.tensors.keys()], [...b.tensors.keys()]);
  let worst = 0;
  for (const [name, { data }] of a.tensors) {
    // What is frozen has no use for a momentum.
    if (name.startsWith('optimizer.') && freeze.some((layer) => name.includes(`.${layer}.`))) continue;
    const other = b.tensors.get(name)!.data;
    const norm = Math.hypot(...data) + 1e-12;
    worst = Math.max(worst, Math.hypot(...data.map((value, i) => value - other[i]!)) / norm);
  }
  return worst;
}

describe('a frozen front', () => {
  for (const [what, more] of [
    ['of mirrored images', {}],
    ['of images as they are', { augment: 'none', flip: false }],
    [
      'with two replicas and class weights',
      { replicas: 2, classWeights: DATASET.labels.map((_, i) => 1 + (i % 3)) },
    ],
    [
      'with a moving average and AdamW',
      { optimizer: 'adamw', momentum: 0, emaDecay: 0.9, learningRate: 0.001 },
    ],
  ] as const) {
    it(`is run once on each image: ${what}`, async () => {
      const kept = await run(`kept ${what}`, more);
      const off = await run(`off ${what}`, { ...more, frontCache: 'off' });
      assert.deepEqual(off.notes, []);
      const mirrored = 'augment' in more ? '' : ' and their mirror images';
      // Of each image layer2 gives 16 channels of 8 x 8 pixels.
      const bytes = 64 * (mirrored ? 2 : 1) * 16 * 16 * 16 * 4;
      assert.equal(
        kept.notes.join(),
        `what is frozen is run once on each image, and what it gives kept: 64 images${mirrored}, ${(bytes / 1e6).toPrecision(3)} MB in memory`,
      );
      const apart = distance(kept, off);
      assert.ok(apart < 2e-5, `${apart}`);
      const before = initialModel();
      for (const { name } of vectorLayout(before).parameters) {
        const same = before.initializers.get(name)!.data.join() === kept.tensors.get(name)!.data.join();
        assert.equal(
          same,
          freeze.some((layer) => name.startsWith(`${layer}.`)),
          name,
        );
      }
    });
  }

  it('goes on after an interruption as it would have', async () => {
    const whole = await run('whole', {});
    await run('parts', {}, { stopAfter: 5 });
    const parts = await run('parts', {}, { resume: true });
    assert.deepEqual(await checkpointBytes(parts.run, 'last'), await checkpointBytes(whole.run, 'last'));
  });

  it('thaws after so many epochs, and images are images again', async () => {
    const { result, notes, tensors } = await run('thawed', { epochs: 2, unfreezeAfter: 1 });
    assert.ok(result.finished);
    assert.equal(notes.length, 1);
    assert.notDeepEqual(
      tensors.get('conv1.weight')!.data,
      initialModel().initializers.get('conv1.weight')!.data,
    );
  });

  it('is run in every step where it would not give the same, which is said', async () => {
    for (const [config, reason] of [
      [{ crop: 4 }, /^what is frozen is run in every step, for --crop 4 makes other images each time$/],
      [
        { augment: 'randaugment', cutmixProb: 0.5 },
        /for --augment randaugment, --cutmix-prob make other images/,
      ],
      [
        { resizedCrop: 0.5, colorJitter: [0.1], crop: 0 },
        /for --resized-crop, --color-jitter make other images each time$/,
      ],
      [{ batchNorm: 'train' }, /for batch norm goes by the batch \(--batch-norm frozen\)$/],
      [{ freeze: ['layer2'] }, /for its first layers are trained$/],
    ] as const) {
      const { notes } = await run(
        `refused ${reason}`.replaceAll('/', ''),
        { epochs: 1, ...config } as Partial<TrainConfig>,
        {
          stopAfter: 1,
        },
      );
      assert.equal(notes.length, 1);
      assert.match(notes[0]!, reason);
    }
  });
});
