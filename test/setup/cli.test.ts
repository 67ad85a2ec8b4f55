import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPlatform } from '../../setup/platform.ts';
import { type Output, runProgram } from '../../setup/programs.ts';

import { command } from '../commands/command.ts';
import { checkPlain } from '../data/user-error.ts';

function setup(...args: string[]): Promise<Output> {
  return runProgram(process.execPath, command('setup:tensorflow', ...args));
}

test('mistakes in the options are one line and exit code 1', async () => {
  const cases: [args: string[], message: RegExp][] = [
    [['--cpu', '--gpu'], /^error: give --cpu or --gpu, not both\n$/],
    [['--gpu', '--from', 'x.whl'], /^error: give --gpu or --from, not both\n$/],
    [['--from'], /^error: .*--from.*; see npm run setup:tensorflow -- --help\n$/],
    [['--tpu'], /^error: there is no option --tpu/],
    [
      ['--from', '/nowhere/x.whl'],
      /^error: there is no \/nowhere\/x\.whl; give a wheel or a folder with --from\n$/,
    ],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = await setup(...args);
    assert.match(stderr, message);
    assert.equal(status, 1);
  }
});

test('systems that the wheels do not run on are refused', () => {
  checkPlatform({ os: 'linux', arch: 'x64', glibc: true }, 'OpenVINO', 'that is all');
  for (const [platform, name] of [
    [{ os: 'darwin', arch: 'arm64', glibc: false }, 'darwin arm64'],
    [{ os: 'linux', arch: 'arm64', glibc: true }, 'linux arm64'],
    [{ os: 'linux', arch: 'x64', glibc: false }, 'Linux without glibc'],
  ] as const) {
    assert.throws(
      () => checkPlatform(platform, 'OpenVINO', 'onnxruntime serves without it'),
      (error) =>
        checkPlain(
          error,
          new RegExp(
            `^OpenVINO is set up on Linux x86-64 with glibc only, and this is ${name}; onnxruntime serves`,
          ),
        ),
    );
  }
});
