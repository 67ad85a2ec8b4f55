import assert from 'node:assert/strict';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { checkBuildTools } from '../../setup/tensorflow/build-binding.ts';
import { installLibrary } from '../../setup/tensorflow/library.ts';
import { setUpTensorFlow } from '../../setup/tensorflow/setup.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { checkPlain, rejectsPlainly } from '../data/user-error.ts';
import { fakePlaces } from './fake-places.ts';

const PATH = process.env.PATH;
afterEach(() => {
  process.env.PATH = PATH;
});

/** From here on the PATH has only these programs, shell scripts of the given text. */
async function onlyPrograms(scripts: Record<string, string>): Promise<void> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(folder, name), 0o755);
  }
  process.env.PATH = folder;
}

/** A pip that answers `--version` and then does as told. */
const pip = (text: string) => ({ python3: `case "$*" in *--version) exit 0;; esac\n${text}` });

async function refuses(message: RegExp): Promise<void> {
  const places = await fakePlaces();
  await rejectsPlainly(
    installLibrary(places, { variant: 'cpu' }, () => {}),
    message,
  );
  assert.deepEqual(await readdir(places.cache), []);
}

test('without pip the way around it is told', async () => {
  await onlyPrograms({ python3: 'exit 1' });
  await refuses(
    /^downloading TensorFlow takes Python's pip; .* or get tensorflow_cpu-2\.15\.1-.*whl elsewhere/,
  );
});

test('no network and no such package are told apart', async () => {
  await onlyPrograms(
    pip(`echo "WARNING: Retrying after connection broken by 'NewConnectionError: refused'" >&2
echo "ERROR: Could not find a version that satisfies the requirement tensorflow-cpu==2.15.1" >&2
exit 1`),
  );
  await refuses(/^pip cannot reach the package index; check the network/);
  await onlyPrograms(
    pip('echo "ERROR: No matching distribution found for tensorflow-cpu==2.15.1" >&2; exit 1'),
  );
  await refuses(/^the package index that pip uses has no tensorflow-cpu 2\.15\.1/);
  await onlyPrograms(pip('echo "ERROR: no space left" >&2; echo "[notice] upgrade pip" >&2; exit 2'));
  await refuses(/^pip fails: no space left; /);
});

test('a download that is not the pinned wheel is refused', async () => {
  // "--dest FOLDER NAME" are its last arguments.
  await onlyPrograms(
    pip('while [ "$1" != --dest ]; do shift; done; echo cut > "$2/tensorflow_cpu-2.15.1-cp311.whl"'),
  );
  await refuses(/tensorflow_cpu-2\.15\.1-cp311\.whl \(0\.0 MB\) is truncated or not the expected wheel/);
});

test('missing build tools are named before anything is downloaded', async () => {
  await onlyPrograms({ python3: '', make: '' });
  assert.throws(checkBuildTools, (error) =>
    checkPlain(
      error,
      /binding takes a C\+\+ compiler \(g\+\+\), not found here; .*apt-get install build-essential/,
    ),
  );
  await onlyPrograms({});
  const said: string[] = [];
  const places = await fakePlaces();
  const setup = setUpTensorFlow(places, { source: { variant: 'cpu' }, say: (line) => said.push(line) });
  await rejectsPlainly(setup, /takes a C\+\+ compiler \(g\+\+\) and make and Python 3, not found here/);
  assert.deepEqual(said, []);
});
