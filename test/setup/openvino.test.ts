import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { OPENVINO_VERSION, requireOpenVino } from '../../core/openvino/library.ts';
import { readInstalled } from '../../setup/installed.ts';
import {
  installOpenVino,
  LIBRARIES,
  type OpenVinoPlaces,
  openVinoPlaces,
  probeOpenVino,
  RELEASE,
  setUpOpenVino,
} from '../../setup/openvino/setup.ts';
import { runProgram } from '../../setup/programs.ts';
import { command } from '../commands/command.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { checkPlain, rejectsPlainly } from '../data/user-error.ts';
import { SKIP_WITHOUT_OPENVINO } from '../openvino/set-up.ts';
import { type Files, withRecord, writeWheel } from './fake-wheel.ts';

/** The files of a wheel laid out as OpenVINO's. */
function wheelFiles(
  options: { name?: string; version?: string; without?: string; changes?: Files } = {},
): Files {
  const { name = 'openvino', version = OPENVINO_VERSION, without, changes } = options;
  const info = `${name}-${version}.dist-info`;
  const files: Files = {
    ...Object.fromEntries(LIBRARIES.map((library) => [`openvino/libs/${library}`, `code of ${library}`])),
    'openvino/libs/libopenvino_intel_gpu_plugin.so': 'not needed',
    'openvino/include/openvino/c/ov_core.h': '// not needed',
    [`${info}/licenses/LICENSE`]: 'Apache License',
    [`${info}/licenses/licensing/onetbb.txt`]: 'and of others',
  };
  if (without !== undefined) delete files[without.replace('INFO', info)];
  return withRecord(files, info, changes);
}

async function places(): Promise<OpenVinoPlaces & { cache: string }> {
  const cache = join(await temporaryFolder(), '.openvino');
  return { ...openVinoPlaces(cache), cache };
}

async function install(files: Files, where?: OpenVinoPlaces, name = 'openvino.whl') {
  const from = await writeWheel(join(await temporaryFolder(), name), files);
  const said: string[] = [];
  const to = where ?? (await places());
  const installed = await installOpenVino(to, { from, say: (line) => said.push(line) });
  return { installed, said, places: to };
}

async function refuses(files: Files, message: RegExp, name?: string): Promise<void> {
  const to = await places();
  await rejectsPlainly(install(files, to, name), message);
  assert.deepEqual(await readdir(to.cache), []);
}

test('of a wheel the libraries for ONNX on CPUs are unpacked, with the licences, which are shown', async () => {
  const { installed, said, places: to } = await install(wheelFiles());
  const files = await readdir(to.library, { recursive: true, withFileTypes: true });
  assert.deepEqual(
    files
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .sort(),
    [...LIBRARIES, 'LICENSE', 'installed.json', 'onetbb.txt'].sort(),
  );
  for (const library of LIBRARIES)
    assert.equal(await readFile(join(to.library, library), 'utf8'), `code of ${library}`);
  assert.equal(await readFile(join(to.library, 'licenses', 'LICENSE'), 'utf8'), 'Apache License');
  assert.match(said.at(-1)!, /^OpenVINO is under the Apache License 2\.0; .* in .*licenses$/);
  assert.deepEqual(await readInstalled(to.library), installed);
  requireOpenVino(to.library);
  await writeFile(join(to.library, LIBRARIES[0]!), 'cut');
  assert.equal(await readInstalled(to.library), undefined);
});

test('what is damaged, of another version or package, lacks a library or is no wheel is refused', async () => {
  const [first] = LIBRARIES;
  const path = `openvino/libs/${first}`;
  await refuses(wheelFiles({ changes: { [path]: 'changed' } }), /is damaged or changed: its SHA-256/);
  await refuses(
    wheelFiles({ version: '2026.4.0' }),
    /is openvino 2026\.4\.0; needed is openvino 2026\.4\.1$/,
  );
  await refuses(wheelFiles({ name: 'numpy' }), /is numpy 2026\.4\.1; needed is openvino/);
  await refuses(
    wheelFiles({ without: path }),
    new RegExp(`holds no ${path}; take a wheel for Linux x86-64$`),
  );
  await refuses(
    wheelFiles({ changes: { [path]: 'x' } }),
    /not the expected wheel: its SHA-256/,
    RELEASE.wheel,
  );
  const bare = Object.fromEntries(
    Object.entries(wheelFiles()).filter(([name]) => !name.includes('/licenses/')),
  );
  await refuses(bare, /holds no licences; take the wheel as it was published$/);
  const to = await places();
  const missing = { from: join(to.cache, 'none.whl'), say: () => {} };
  await rejectsPlainly(
    installOpenVino(to, missing),
    /^there is no file .*none\.whl; give OpenVINO's wheel with --from$/,
  );
});

test('a whole installation stays when another is refused', async () => {
  const { places: to } = await install(wheelFiles());
  await rejectsPlainly(install(wheelFiles({ version: '2025.1.0' }), to), /needed is/);
  requireOpenVino(to.library);
  assert.ok(await readInstalled(to.library));
});

test('where it is not set up a line says how, and commands that ask for it say it before all else', async () => {
  const { library } = await places();
  assert.throws(
    () => requireOpenVino(library),
    (error) => checkPlain(error, /^OpenVINO is not set up here; npm run setup:openvino gets it$/),
  );
  const { status, stderr } = await runProgram(process.execPath, command('setup:openvino', '--gpu'));
  assert.match(stderr, /^error: there is no option --gpu/);
  assert.equal(status, 1);
});

test('what is set up works, and is found set up', { skip: SKIP_WITHOUT_OPENVINO }, async () => {
  assert.equal(await probeOpenVino(), undefined);
  const isNew = await setUpOpenVino(openVinoPlaces(), { say: assert.fail });
  assert.equal(isNew, false);
  assert.ok(existsSync(join(openVinoPlaces().library, 'licenses', 'LICENSE')));
});
