import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../../setup/programs.ts';

const BARE = fileURLToPath(new URL('../../.ci/bare', import.meta.url));
const skip = findProgram('dpkg-query') && findProgram('npm') ? false : 'for Debian and its kin, with npm';

/** What a command printed there. */
function bare(...command: string[]): string {
  const env = { ...process.env, CIFAR100_DIR: '/data', CI: 'true', npm_config_fund: 'false' };
  const { status, stdout, stderr } = spawnSync(BARE, command, { env, encoding: 'utf8' });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  return stdout;
}

test('a bare place has a base system, Node and npm on its PATH, and only what npm needs of the environment', {
  skip,
}, () => {
  const look =
    'for p in sh tar node npm python3 chromium google-chrome g++ make; do command -v $p; done; env';
  const lines = bare('sh', '-c', `${look}; node -v`).trimEnd().split('\n');
  const programs = lines.filter((line) => line.startsWith('/')).map((path) => path.split('/').at(-1));
  assert.deepEqual(programs, ['sh', 'tar', 'node', 'npm']);
  assert.equal(lines.at(-1), process.version);
  const variables = lines.filter((line) => line.includes('=')).map((line) => line.split('=')[0]!);
  for (const name of ['HOME', 'PATH', 'npm_config_fund', 'npm_config_cache'])
    assert.ok(variables.includes(name));
  for (const name of ['CIFAR100_DIR', 'CI']) assert.ok(!variables.includes(name), name);
  const home = lines.find((line) => line.startsWith('HOME='))!.slice('HOME='.length);
  assert.notEqual(home, process.env.HOME);
  assert.equal(existsSync(home), false, 'it is gone afterwards');
});
