import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';
import { createPipeline } from '../../train/loader/augment/pipeline.ts';
import { givenSettings, settingOptions } from '../../train/recipe/command-line.ts';
import { settle } from '../../train/recipe/make-config.ts';
import { parseTrainConfig } from '../../train/recipe/parse.ts';
import { AUGMENTATION, type Augmentation } from '../../train/recipe/settings.ts';
import { CONFIG } from '../train/support/tiny-run.ts';

/** What the loader does, by the names of the transforms, in their order. */
function transformsOf(augmentation: Augmentation): string[] {
  const { image, tensor, batch } = createPipeline(augmentation, { height: 32, width: 32 });
  return [...image, ...tensor, ...batch].map((transform) => transform.constructor.name);
}

function fromCommandLine(...argv: string[]): Augmentation {
  const command = { name: 'test', summary: '', options: settingOptions(AUGMENTATION) };
  const { options, given } = parseOptions(command, argv);
  const settings = settle(givenSettings(options, given));
  return Object.fromEntries(
    Object.keys(AUGMENTATION).map((key) => [key, settings[key as keyof Augmentation]]),
  ) as unknown as Augmentation;
}

test('a config from before the policies means crop and flip alone', () => {
  const old = (crop: number, flip: boolean) => {
    const { augment, randomErasing, cutmixBeta, cutmixProb, mixupAlpha, ...config } = CONFIG;
    return transformsOf(parseTrainConfig({ ...config, crop, flip }, 'config.json'));
  };
  assert.deepEqual(old(4, true), ['RandomCrop', 'HorizontalFlip']);
  assert.deepEqual(old(0, false), []);
  assert.deepEqual(transformsOf(fromCommandLine()), ['RandomCrop', 'HorizontalFlip']);
});

test('the options of a full recipe reach the loader', () => {
  const argv = [
    '--augment',
    'autoaugment',
    '--random-erasing',
    '0.25',
    '--beta',
    '0.8',
    '--cutmix-prob',
    '0.5',
  ];
  const config = fromCommandLine(...argv, '--mixup-alpha', '0.2', '--crop', '2', '--no-flip');
  assert.deepEqual(JSON.parse(JSON.stringify(config)), {
    augment: 'autoaugment',
    crop: 2,
    flip: false,
    randomErasing: 0.25,
    cutmixBeta: 0.8,
    cutmixProb: 0.5,
    mixupAlpha: 0.2,
  });
  assert.deepEqual(transformsOf(config), ['RandomCrop', 'AutoAugment', 'RandomErasing', 'CutMix', 'MixUp']);
});

test('a beta of 0 is no CutMix, as in its reference code', () => {
  const config = fromCommandLine('--beta', '0', '--cutmix-prob', '1');
  assert.deepEqual(transformsOf(config), ['RandomCrop', 'HorizontalFlip']);
});

test('none takes images as they are, and does not go with crop or flip', () => {
  for (const argv of [[], ['--no-flip']])
    assert.deepEqual(transformsOf(fromCommandLine('--augment', 'none', ...argv)), []);
  for (const argv of [['--crop', '4'], ['--flip']]) {
    assert.throws(() => fromCommandLine('--augment', 'none', ...argv), {
      name: 'UserError',
      message: '--augment none takes images as they are; leave out --crop and --flip',
    });
  }
});

test('an unknown name is refused on the command line and in a config', () => {
  assert.throws(() => fromCommandLine('--augment', 'auto'), UserError);
  const config = { ...CONFIG, augment: 'auto' };
  assert.throws(() => parseTrainConfig(config, 'config.json'), /augment is none, standard, .*, not "auto"/);
});
