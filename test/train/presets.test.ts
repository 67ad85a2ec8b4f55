import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseOptions } from '../../core/cli/options.ts';
import { buildModel } from '../../core/models/zoo.ts';
import {
  MACHINE_CLI_OPTIONS,
  makeConfig,
  RECIPE_CLI_OPTIONS,
  TRAIN_IMAGES_CLI_OPTION,
} from '../../train/command-line.ts';
import { AUGMENT_CLI_OPTIONS, augmentConfig } from '../../train/loader/augment/command-line.ts';
import { applyPreset, PRESET_CLI_OPTION, PRESETS } from '../../train/presets.ts';
import { PROGRESSIVE_CLI_OPTION } from '../../train/progressive/stages.ts';
import { DATASET } from './support/tiny-run.ts';

const command = {
  name: 'train',
  summary: '',
  options: {
    ...PRESET_CLI_OPTION,
    model: { type: 'string', help: '' },
    ...RECIPE_CLI_OPTIONS,
    ...AUGMENT_CLI_OPTIONS,
    ...TRAIN_IMAGES_CLI_OPTION,
    ...PROGRESSIVE_CLI_OPTION,
    ...MACHINE_CLI_OPTIONS,
  },
} as const;

function configOf(argv: string[]) {
  const { options, given } = parseOptions(command, argv);
  applyPreset(options, given);
  const model = buildModel(options.model!, { numClasses: 100, imageSize: 32 });
  const dataset = { ...DATASET, train: { ...DATASET.train, count: 50_000 } };
  return { options, config: makeConfig(options, given, augmentConfig(options, given), 1, model, dataset) };
}

describe('--preset', () => {
  it('names options of the command, with values of their type', () => {
    for (const [name, preset] of Object.entries(PRESETS)) {
      const { options } = parseOptions(command, []);
      for (const [key, value] of Object.entries(preset)) {
        assert.ok(key in options, `${name}: ${key}`);
        const parsed = (options as Record<string, unknown>)[key];
        if (parsed !== undefined) assert.equal(typeof value, typeof parsed, `${name}: ${key}`);
      }
    }
  });

  it('reference is the recipe of the reference result', () => {
    const { config } = configOf(['--preset', 'reference']);
    const { model, epochs, batchSize, optimizer, momentum, augment, cutmixProb, cutmixBeta } = config;
    assert.deepEqual(
      [model, epochs, batchSize, optimizer, momentum, augment, cutmixProb, cutmixBeta],
      ['resnet50', 200, 128, 'sgd', 0.9, 'autoaugment', 0.5, 1],
    );
  });

  it('fast grows its images, and what is given on the command line stands', () => {
    const { config } = configOf(['--preset', 'fast', '--epochs', '8', '--no-nesterov']);
    assert.equal(config.epochs, 8);
    assert.equal(config.nesterov, false);
    assert.equal(config.learningRate, PRESETS.fast!.lr);
    assert.deepEqual(config.progressive?.at(-1), { size: 24, until: 0.6 });
  });

  it('left out, changes nothing', () => {
    const { options, given } = parseOptions(command, ['--epochs', '3']);
    const before = { ...options };
    applyPreset(options, given);
    assert.deepEqual(options, before);
    assert.deepEqual([...given], ['epochs']);
  });
});
