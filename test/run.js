#!/usr/bin/env node
/**
 * Runs test files: `node test/run.js test/core/*.test.ts`. They are bundled first, as the commands are, so that no
 * process of a test transpiles anything; a single one also runs as it is: `node --import tsx --test FILE`.
 *
 * JavaScript, because Node 20 runs no TypeScript.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../onnx-classifier.js';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
/** Only a test that hangs takes as long, however busy the machine. */
const TIMEOUT_MS = 1_800_000;

const files = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
if (files.length === 0) {
  process.stderr.write('error: no test files given, e.g. test/core/*.test.ts\n');
  process.exit(1);
}
const cache = join(PROJECT, 'node_modules', '.cache');
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, 'tests-'));
try {
  const sources = files.map((file) => relative(PROJECT, file));
  await bundle(folder, sources);
  // Else each test that starts a command would build it.
  spawnSync(process.execPath, ['onnx-classifier.js', '--build'], { cwd: PROJECT, stdio: 'inherit' });
  const built = sources.map((source) => join(folder, source.replace(/\.ts$/, '.js')));
  const { status } = spawnSync(
    process.execPath,
    ['--test', '--test-timeout', String(TIMEOUT_MS), ...options, ...built],
    { cwd: PROJECT, stdio: 'inherit' },
  );
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
