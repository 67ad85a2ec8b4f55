#!/usr/bin/env node
/**
 * Runs test files: `node test/run.js test/core/*.test.ts`. They are bundled first, as the commands are, so that no
 * process of a test transpiles anything; a single one also runs as it is: `node --import tsx --test FILE`. With
 * `--quick` it runs those that another version of Node is tried with.
 *
 * JavaScript, because Node 20 runs no TypeScript.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from '../onnx-classifier.js';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
/** Only a test that hangs takes as long, however busy the machine. */
const TIMEOUT_MS = 600_000;

/** What depends on Node itself: typed arrays, shared memory, threads, files, streams, HTTP, native modules. */
const QUICK = [
  ...['core', 'data', 'foreign', 'loader'],
  ...[
    'onnx/model-file',
    'onnx/newer-fields',
    'onnx/fold-constants',
    'weights/load-weights',
    'weights/pytorch',
  ],
  ...['export/variants', 'inspect/cli', 'providers/mixed-precision', 'train/trainer'],
  ...['serve/decode', 'serve/server', 'serve/v2', 'engine-tfjs/engine', 'setup/tensorflow'],
];

const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    'test-reporter': { type: 'string', default: 'spec' },
  },
  allowPositionals: true,
});
const files = [...positionals, ...(values.quick ? QUICK.flatMap(testsOf) : [])];
if (files.length === 0) {
  process.stderr.write('error: no test files given, e.g. test/core/*.test.ts\n');
  process.exit(1);
}
const cache = join(PROJECT, 'node_modules', '.cache');
mkdirSync(cache, { recursive: true });
// What runs that were killed left.
for (const entry of readdirSync(cache).filter((name) => name.startsWith('tests-'))) {
  const path = join(cache, entry);
  if (Date.now() - statSync(path).mtimeMs > 24 * 3600 * 1000) rmSync(path, { recursive: true, force: true });
}
// Of the page's files the best takes a quarter of a minute; the slow tests measure what it is worth.
if (!files.some((file) => file.endsWith('.slow.ts'))) process.env.PAGE_BROTLI_QUALITY ??= '5';
const folder = mkdtempSync(join(cache, 'tests-'));
try {
  const sources = files.map((file) => relative(PROJECT, resolve(PROJECT, file)));
  await bundle(folder, sources);
  // Else each test that starts a command would build it.
  spawnSync(process.execPath, ['onnx-classifier.js', '--build'], { cwd: PROJECT, stdio: 'inherit' });
  const built = sources.map((source) => join(folder, source.replace(/\.ts$/, '.js')));
  const { status } = spawnSync(
    process.execPath,
    [
      ...['--test', '--test-timeout', String(TIMEOUT_MS), '--test-reporter', values['test-reporter']],
      // A file a core; by itself Node leaves one idle, which of two is half the time.
      ...['--test-concurrency', String(availableParallelism()), ...built],
    ],
    { cwd: PROJECT, stdio: 'inherit' },
  );
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The test files of a folder of test/, or the one of that name. */
function testsOf(name) {
  if (name.includes('/')) return [`test/${name}.test.ts`];
  const entries = readdirSync(join(PROJECT, 'test', name));
  return entries.filter((entry) => entry.endsWith('.test.ts')).map((entry) => `test/${name}/${entry}`);
}
