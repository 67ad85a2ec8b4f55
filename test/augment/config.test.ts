import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';
import { type AugmentConfig, augmentOptions } from '../../train/loader/augment/augment-config.ts';
import { AUGMENT_CLI_OPTIONS, augmentConfig } from '../../train/loader/augment/command-line.ts';

function fromCommandLine(...argv: string[]): Required<AugmentConfig> {
  const command = { name: 'test', summary: '', options: AUGMENT_CLI_OPTIONS };
  const { options, given } = parseOptions(command, argv);
  return augmentConfig(options, given);
}

test('a config from before the policies means crop and flip alone', () => {
  assert.deepEqual(augmentOptions({ crop: 4, flip: true }), { crop: { padding: 4 }, flip: true });
  assert.deepEqual(augmentOptions({ crop: 0, flip: false }), { crop: false, flip: false });
  assert.deepEqual(augmentOptions(fromCommandLine()), { crop: { padding: 4 }, flip: true });
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
  assert.deepEqual(augmentOptions(config), {
    crop: { padding: 2 },
    flip: false,
    policy: 'autoaugment',
    erasing: { probability: 0.25 },
    cutMix: { beta: 0.8, probability: 0.5 },
    mixUp: { alpha: 0.2 },
  });
});

test('a beta of 0 is no CutMix, as in its reference code', () => {
  const config = fromCommandLine('--beta', '0', '--cutmix-prob', '1');
  assert.equal(augmentOptions(config).cutMix, undefined);
});

test('none takes images as they are, and does not go with crop or flip', () => {
  assert.deepEqual(augmentOptions(fromCommandLine('--augment', 'none')), { crop: false, flip: false });
  assert.deepEqual(augmentOptions(fromCommandLine('--augment', 'none', '--no-flip')), {
    crop: false,
    flip: false,
  });
  for (const argv of [['--crop', '4'], ['--flip']]) {
    assert.throws(() => fromCommandLine('--augment', 'none', ...argv), {
      name: 'UserError',
      message: '--augment none takes images as they are; leave out --crop and --flip',
    });
  }
});

test('an unknown name is refused on the command line and in a config', () => {
  assert.throws(() => fromCommandLine('--augment', 'auto'), UserError);
  const config = { crop: 4, flip: true, augment: 'auto' } as unknown as AugmentConfig;
  assert.throws(() => augmentOptions(config), /augment is none, standard, .*, not "auto"/);
});
