import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bindingPath, tfjsFolder } from '../../core/tensorflow/binding.ts';
import { requireBinding } from '../../core/tensorflow/load-tfjs.ts';
import { runProgram } from '../../setup/programs.ts';
import { buildBinding } from '../../setup/tensorflow/build-binding.ts';
import { probeTensorFlow } from '../../setup/tensorflow/probe.ts';
import { projectPlaces } from '../../setup/tensorflow/release.ts';
import { command } from '../commands/command.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { checkPlain, rejectsPlainly } from '../data/user-error.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** The set-up itself downloads 200 MB and compiles, so it is tested where that is asked for. */
const thorough = process.env.TENSORFLOW_TEST === '1';
const skip =
  thorough || existsSync(bindingPath()) ? false : 'TensorFlow is not set up here; TENSORFLOW_TEST=1 does it';
const skipSetup = thorough ? false : 'TENSORFLOW_TEST=1 runs it, which downloads 200 MB and compiles';

test('without the binding the error says how to build it', async () => {
  const folder = await temporaryFolder();
  assert.throws(
    () => requireBinding(bindingPath(folder)),
    (error) => checkPlain(error, /^TensorFlow is not set up here; npm run setup:tensorflow builds it$/),
  );
});

test('npm run setup:tensorflow sets it up and finds it set up the second time', {
  skip: skipSetup,
}, async () => {
  const setup = () => runProgram(process.execPath, command('setup:tensorflow', '--cpu'), { cwd: PROJECT });
  const first = await setup();
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stdout, /^TensorFlow 2\.15\.1 is (already )?set up/m);
  const second = await setup();
  assert.match(second.stdout, /^TensorFlow 2\.15\.1 is already set up; --force does it again\ndevices: /);
});

test('a build that fails says why in one line and leaves only its log', { skip: skipSetup }, async () => {
  const cache = await temporaryFolder();
  const places = projectPlaces(cache, tfjsFolder());
  await mkdir(places.library);
  await rejectsPlainly(buildBinding(places), /binding fails: .*c_api\.h.*; all of it is in .*build\.log$/);
  assert.deepEqual((await readdir(cache)).sort(), ['build.log', 'library']);
  assert.ok(!existsSync(places.build));
  assert.ok(!existsSync(dirname(places.binding)));
});

test('a convolution and its gradients are those worked out by hand', { skip }, async () => {
  const facts = await probeTensorFlow();
  assert.ok('version' in facts, JSON.stringify(facts));
  assert.match(facts.version, /^2\.\d+\.\d+/);
  assert.equal(facts.tfjs, '4.22.0');
  assert.ok(facts.devices.length > 0);
});

test("it runs beside onnxruntime, quietly, and without the functions that newer Nodes' util lacks", {
  skip,
}, async () => {
  const script = fileURLToPath(new URL('run-beside-onnxruntime.ts', import.meta.url));
  const { TF_CPP_MIN_LOG_LEVEL: _, ...env } = process.env;
  const output = await runProgram(process.execPath, ['--import', 'tsx', script], { cwd: PROJECT, env });
  assert.deepEqual(
    { status: output.status, stdout: output.stdout, stderr: output.stderr },
    { status: 0, stdout: '5,3 of 1,5,3; convolution right\n', stderr: '' },
  );
});
