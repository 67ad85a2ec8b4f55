import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { parseOptions } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';
import { PlanarResizer } from '../../core/preprocess/planar-resizer.ts';
import { resizeBilinear } from '../../core/preprocess/resize.ts';
import { Random } from '../../core/random.ts';
import { BatchLoader } from '../../train/loader/batch-loader.ts';
import { checkStages, imageSizeAt } from '../../train/progressive/stages.ts';
import { givenSettings, settingOptions } from '../../train/recipe/command-line.ts';
import { DEFAULTS, progressive } from '../../train/recipe/settings.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { BATCHES_PER_EPOCH, checkpointBytes, DATASET, tinyRun } from './support/tiny-run.ts';

const SQUARE = { height: 32, width: 32 };

/** What `--progressive TEXT` says of whole images of a size. */
function stagesOf(text: string, whole = SQUARE) {
  const command = { name: 'train', summary: '', options: settingOptions({ progressive }) };
  const { options, given } = parseOptions(command, [`--progressive=${text}`]);
  const stages = givenSettings(options, given).progressive!;
  checkStages(stages, whole);
  return stages;
}

describe('--progressive', () => {
  it('reads sizes and the shares at which they end', () => {
    assert.deepEqual(stagesOf('16:0.3, 24:.6'), [
      { size: 16, until: 0.3 },
      { size: 24, until: 0.6 },
    ]);
  });

  it('gives every epoch a size, and the last ones whole images', () => {
    const config = { epochs: 5, progressive: stagesOf('16:0.4,24:0.6') };
    const sizes = [0, 1, 2, 3, 4].map((epoch) => imageSizeAt(config, epoch, 32));
    assert.deepEqual(sizes, [16, 16, 24, 32, 32]);
    assert.equal(imageSizeAt({ epochs: 5, progressive: [] }, 0, 32), 32);
  });

  for (const [text, message] of [
    ['16', /^--progressive takes SIZE:SHARE,.*not "16"$/],
    ['', /--progressive needs a value/],
    ['16:0.3,', /SIZE:SHARE,.*not "16:0.3,"$/],
    ['6:0.5', /^--progressive .*not "6:0.5": a size is a multiple of 4 from 8 pixels/],
    ['18:0.5', /not "18:0.5": a size is a multiple of 4/],
    ['32:0.5', /^--progressive: .* below the 32 pixels of the whole image, not 32$/],
    ['16:0', /the shares rise and are above 0 and below 1$/],
    ['16:1', /above 0 and below 1/],
    ['16:0.5,24:0.5', /the shares rise/],
  ] as const) {
    it(`refuses "${text}"`, () => {
      assert.throws(
        () => stagesOf(text),
        (error) => error instanceof UserError && message.test(error.message),
      );
    });
  }

  it('refuses images that are not square', () => {
    assert.throws(() => stagesOf('16:0.5', { height: 32, width: 48 }), /square images, not 48 x 32/);
  });
});

test('planar images are resized as interleaved ones are, to the bit', () => {
  const from = { height: 32, width: 28 };
  const random = new Random(3);
  const pixels = from.height * from.width;
  const planar = Uint8Array.from({ length: 3 * pixels }, () => Math.floor(random.uniform() * 256));
  const interleaved = Uint8Array.from(planar, (_, i) => planar[(i % 3) * pixels + Math.floor(i / 3)]!);
  for (const to of [
    { height: 16, width: 16 },
    { height: 20, width: 24 },
    { height: 40, width: 28 },
  ]) {
    const resized = new PlanarResizer(from, to).resize(planar);
    const expected = resizeBilinear({ data: interleaved, channels: 3, ...from }, to.width, to.height);
    const size = to.height * to.width;
    assert.deepEqual(
      resized,
      Uint8Array.from(resized, (_, i) => expected.data[(i % size) * 3 + Math.floor(i / size)]!),
    );
  }
});

describe('a loader asked for smaller images', () => {
  const options = {
    split: DATASET.train,
    height: 32,
    width: 32,
    normalization: DATASET.normalization,
    classes: 100,
    batchSize: 16,
    seed: 7,
    augment: { ...DEFAULTS, randomErasing: 1 },
  };

  it('makes the same batches of them however many threads it has, and whole ones again after', async () => {
    const epochs: Float32Array[][] = [];
    for (const workers of [1, 3]) {
      const loader = new BatchLoader({ ...options, workers });
      try {
        for (const size of [16, undefined, 16]) {
          const images: Float32Array[] = [];
          for await (const batch of loader.epoch(0, 0, size)) {
            assert.equal(batch.images.length, 16 * 3 * (size ?? 32) ** 2);
            images.push(batch.images.slice());
            batch.release();
          }
          epochs.push(images);
        }
      } finally {
        await loader.close();
      }
    }
    const [small, whole] = epochs as [Float32Array[], Float32Array[]];
    for (const [i, images] of epochs.entries()) assert.deepEqual(images, i % 3 === 1 ? whole : small);
  });

  it('shows the whole of an image: a coarse mean is the same', async () => {
    const loader = new BatchLoader({ ...options, augment: { ...DEFAULTS, augment: 'none' } });
    try {
      const means = async (size?: number) => {
        const { value: batch } = await loader.epoch(0, 0, size).next();
        const values = (batch as { images: Float32Array }).images;
        const length = values.length / 16;
        return Array.from({ length: 16 }, (_, i) => {
          const image = values.subarray(i * length, (i + 1) * length);
          return image.reduce((sum, value) => sum + value, 0) / length;
        });
      };
      const [small, whole] = [await means(16), await means()];
      for (const [i, mean] of small.entries()) assert.ok(Math.abs(mean - whole[i]!) < 0.01, `${mean}`);
      assert.ok(Math.max(...whole) - Math.min(...whole) > 0.05, 'pictures that all look alike show nothing');
    } finally {
      await loader.close();
    }
  });

  it('does not make them larger', async () => {
    const loader = new BatchLoader(options);
    try {
      await assert.rejects(loader.epoch(0, 0, 48).next(), /only made smaller/);
    } finally {
      await loader.close();
    }
  });
});

describe('a run on images that grow', async () => {
  const folder = await temporaryFolder();
  const config = { progressive: stagesOf('16:0.34,24:0.67') };
  const whole = await tinyRun(folder, 'growing', { config });

  it('trains every stage, differs from one on whole images and is estimated', async () => {
    const estimates: number[] = [];
    const observer = { onEstimate: (seconds: number) => estimates.push(seconds) };
    const plain = await tinyRun(folder, 'plain', { observer });
    const again = await tinyRun(folder, 'again', { config, observer });
    assert.equal(whole.result.finished, true);
    assert.notDeepEqual(await checkpointBytes(plain.run, 'last'), await checkpointBytes(whole.run, 'last'));
    assert.deepEqual(await checkpointBytes(again.run, 'last'), await checkpointBytes(whole.run, 'last'));
    assert.ok(estimates.length === 2 && estimates.every((seconds) => seconds > 0));
  });

  for (const stopAfter of [2, BATCHES_PER_EPOCH, BATCHES_PER_EPOCH + 1, 2 * BATCHES_PER_EPOCH + 3]) {
    it(`stopped after ${stopAfter} steps and resumed gives the same bits`, async () => {
      const name = `stopped-${stopAfter}`;
      const { result } = await tinyRun(folder, name, { config, stopAfter });
      assert.equal(result.finished, false);
      const { run } = await tinyRun(folder, name, { config, resume: true });
      assert.deepEqual(await checkpointBytes(run, 'last'), await checkpointBytes(whole.run, 'last'));
    });
  }
});
