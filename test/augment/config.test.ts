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
    const {
      augment,
      resizedCrop,
      colorJitter,
      randomErasing,
      cutmixBeta,
      cutmixProb,
      mixupAlpha,
      ...config
    } = CONFIG;
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
    resizedCrop: 0,
    flip: false,
    alternateFlip: false,
    colorJitter: [],
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
  for (const argv of [['--crop', '4'], ['--flip'], ['--resized-crop', '0.08'], ['--color-jitter', '0.4']]) {
    assert.throws(() => fromCommandLine('--augment', 'none', ...argv), {
      name: 'UserError',
      message:
        '--augment none takes images as they are; leave out --crop, --resized-crop, --flip and --color-jitter',
    });
  }
});

test("a photo's recipe: a resized crop in the place of the padded one, and colour jitter last", () => {
  const photo = fromCommandLine('--resized-crop', '0.08', '--color-jitter', '0.4,0.4,0.4,0.1');
  assert.deepEqual([photo.crop, photo.resizedCrop, photo.colorJitter], [0, 0.08, [0.4, 0.4, 0.4, 0.1]]);
  assert.deepEqual(transformsOf(photo), ['RandomResizedCrop', 'HorizontalFlip', 'ColorJitter']);
  const policy = fromCommandLine('--color-jitter', '0,0,0.2', '--augment', 'randaugment');
  assert.deepEqual(transformsOf(policy), ['RandomCrop', 'HorizontalFlip', 'RandAugment', 'ColorJitter']);
  assert.deepEqual(transformsOf(fromCommandLine('--color-jitter', '0,0,0,0')), [
    'RandomCrop',
    'HorizontalFlip',
  ]);
  for (const [argv, message] of [
    [['--resized-crop', '0.1', '--crop', '4'], /two ways to cut images; leave one of them out/],
    [['--resized-crop', '1.5'], /--resized-crop must be at most 1/],
    [['--color-jitter', '0.4,x'], /--color-jitter takes up to four strengths .*, not "0.4,x"/],
    [['--color-jitter', '0.4,'], /--color-jitter takes up to four strengths/],
    [['--color-jitter', '-1'], /--color-jitter takes up to four strengths/],
    [['--color-jitter', '1,1,1,0.6'], /hue turns by half a turn at most/],
    [['--color-jitter', '1,1,1,0,1'], /there are up to four strengths/],
  ] as const)
    assert.throws(() => fromCommandLine(...argv), { name: 'UserError', message });
});

test('an unknown name is refused on the command line and in a config', () => {
  assert.throws(() => fromCommandLine('--augment', 'auto'), UserError);
  const config = { ...CONFIG, augment: 'auto' };
  assert.throws(() => parseTrainConfig(config, 'config.json'), /augment is none, standard, .*, not "auto"/);
});

test('a way to flip images that are not flipped is refused', () => {
  for (const recipe of [{ flip: false }, { augment: 'none' }] as const) {
    assert.throws(() => settle({ ...recipe, alternateFlip: true }), /--alternate-flip is a way to flip/);
  }
  assert.equal(settle({ alternateFlip: true }).alternateFlip, true);
});
