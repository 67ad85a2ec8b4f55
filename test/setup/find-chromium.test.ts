import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { findChromium } from '../../setup/find-chromium.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

const { PATH, CHROMIUM_PATH } = process.env;

afterEach(() => {
  process.env.PATH = PATH;
  if (CHROMIUM_PATH === undefined) delete process.env.CHROMIUM_PATH;
  else process.env.CHROMIUM_PATH = CHROMIUM_PATH;
});

async function folderWith(program: string, mode = 0o755): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, program), '#!/bin/sh\n', { mode });
  return folder;
}

test('a browser is looked for on the PATH, in its order, Chromium before Chrome', async () => {
  delete process.env.CHROMIUM_PATH;
  const [chrome, chromium] = [await folderWith('google-chrome'), await folderWith('chromium')];
  process.env.PATH = chrome;
  assert.equal(findChromium(), join(chrome, 'google-chrome'));
  process.env.PATH = `${chrome}:${chromium}`;
  assert.equal(findChromium(), join(chromium, 'chromium'));
  process.env.PATH = await folderWith('chromium', 0o644);
  assert.equal(findChromium(), undefined);
});

test('CHROMIUM_PATH goes before it, and nothing is taken in its place', async () => {
  const folder = await folderWith('chromium');
  process.env.PATH = folder;
  process.env.CHROMIUM_PATH = join(await folderWith('mine'), 'mine');
  assert.equal(findChromium(), process.env.CHROMIUM_PATH);
  process.env.CHROMIUM_PATH = '/nowhere/chromium';
  assert.equal(findChromium(), undefined);
});
