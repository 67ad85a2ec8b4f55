#!/usr/bin/env node
/**
 * Runs test files: `node test/run.js test/core/*.test.ts`. They are bundled first, as the commands are, so that no
 * process of a test transpiles anything; a single one also runs as it is: `node --import tsx --test FILE`. With
 * `--quick` it runs those that another version of Node is tried with, with `--reaching-out` those of the files that could
 * end otherwise where more is set up, with `--check` also formatter, linter and types; with `--times` it says at the end
 * which took the most CPU time, with the processes that they started (Linux only).
 *
 * JavaScript, because Node 20 runs no TypeScript.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from '../onnx-classifier.js';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
/** Only a test that hangs takes as long, however busy the machine. */
const TIMEOUT_MS = 1_800_000;

/** What depends on Node itself: typed arrays, shared memory, threads, files, streams, HTTP, native modules. */
const QUICK = [
  ...['core/atomic-write', 'core/checkpoint', 'core/closed-output', 'core/disk-error', 'core/onnxruntime'],
  ...['core/regular-file', 'core/run-directory', 'core/run-lock', 'core/safetensors', 'core/thread'],
  ...[
    'data/archive',
    'data/bmp',
    'data/cifar-python',
    'data/download',
    'data/folder',
    'data/load',
    'data/pickle',
  ],
  ...['foreign/load-classifier', 'foreign/scores', 'loader'],
  ...[
    'onnx/model-file',
    'onnx/newer-fields',
    'onnx/fold-constants',
    'weights/load-weights',
    'weights/pytorch',
  ],
  ...['export/encode', 'export/variants', 'inspect/cli', 'providers/mixed-precision', 'train/replica-engine'],
  ...['serve/decode', 'serve/server', 'serve/v2', 'engine-tfjs/engine', 'setup/tensorflow'],
];

/**
 * Files in these folders test functions by what they return. They share a few processes, for to start one and load what
 * it needs takes longer than most of them; but not those that have to do with what a process has one of.
 */
const SHARING = ['augment', 'core', 'data', 'metrics', 'onnx', 'plot', 'quantize', 'runs', 'weights'];
const OF_A_PROCESS =
  /\bprocess\.\w|\bmock\b|globalThis|core\/workers|node:(child_process|cluster|worker_threads)|^(before|beforeEach|afterEach)\(/m;
const SHARED_BY = 12;

/**
 * A test meets what a machine has beside Node only through a program that it starts, a browser, CIFAR-100, where it is
 * told that it is in CI, or through TensorFlow or OpenVINO ({@link NAMES_LIBRARY}).
 */
const REACHES_OUT =
  /node:(child_process|cluster)|playwright|process\.env\.(CI|ONNX_PYTHON|PYTHON)\b|CIFAR100?_DIR/;
/** No function takes TensorFlow or OpenVINO unasked: a test that has to do with them names them. */
const NAMES_LIBRARY = /\btfjs|tensorflow|openvino|choose-engine|'auto'/i;

/** Where processes write down what they took. */
const TIMES = 'times.txt';

/** The longest, which begin first, so that the cores come to their ends together. */
const LONGEST = [
  ...['train/gradients', 'serve/model-folder', 'web-demo/other-views', 'engine-tfjs/ops', 'train/trainer'],
  ...['predict/predict', 'web-demo/accessible', 'quickstart/quickstart', 'train/resume', 'serve/models'],
  ...[
    'examples/examples',
    'fine-tune/cli',
    'examples/from-code',
    'test-model/test-model',
    'train/cli',
    'export/onnx-checker',
    'engine-tfjs/cli',
  ],
  // Of the slow ones: the first waits for a network that is made slow.
  ...['web-demo/first-visit', 'package/installed', 'models/embedded', 'train/parity-50-steps'],
  ...['engine-tfjs/cross-check', 'providers/webgpu', 'serve/memory', 'serve/processes', 'train/mlflow'],
  ...['bench/cli', 'examples/docstrings', 'serve/abuse'],
];

const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    'reaching-out': { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    times: { type: 'boolean', default: false },
    'test-reporter': { type: 'string', default: 'spec' },
  },
  allowPositionals: true,
});
const files = [...positionals, ...(values.quick ? QUICK.flatMap(testsOf) : [])];
if (files.length === 0) {
  process.stderr.write('error: no test files given, e.g. test/core/*.test.ts\n');
  process.exit(1);
}
if (values.times && process.platform !== 'linux') {
  process.stderr.write('error: --times reads /proc, which only Linux has\n');
  process.exit(1);
}
const checks = values.check ? [npmRun('lint'), npmRun('typecheck')] : [];
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
  const given = files.map((file) => relative(PROJECT, resolve(PROJECT, file)).replaceAll(sep, '/'));
  const { metafile } = await bundle(folder, given);
  const sources = values['reaching-out'] ? given.filter((file) => reachesOut(file, metafile.inputs)) : given;
  if (sources.length < given.length) {
    process.stdout.write(`${sources.length} of ${given.length} files may meet more than Node has\n`);
  }
  // Else each test that starts a command would build it.
  spawnSync(process.execPath, ['onnx-classifier.js', '--build'], { cwd: PROJECT, stdio: 'inherit' });
  const { status } = await ended(
    spawn(
      process.execPath,
      [
        ...['--test', '--test-timeout', String(TIMEOUT_MS), '--test-reporter', values['test-reporter']],
        // One more than there are cores, for each waits now and then; by itself Node leaves a core idle.
        ...['--test-concurrency', String(availableParallelism() + 1), ...writeEntries(folder, sources)],
      ],
      { cwd: PROJECT, stdio: 'inherit' },
    ),
  );
  if (values.times) reportTimes(folder);
  const checked = await Promise.all(checks);
  for (const { name, status, output } of checked) {
    process.stdout.write(`\n${status === 0 ? '✔' : '✖'} npm run ${name}\n${status === 0 ? '' : output}`);
  }
  process.exitCode = [status, ...checked.map((check) => check.status)].find((code) => code !== 0) ?? 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The test files of a folder of test/, or the one of that name. */
function testsOf(name) {
  if (name.includes('/')) return [`test/${name}.test.ts`];
  const entries = readdirSync(join(PROJECT, 'test', name));
  return entries.filter((entry) => entry.endsWith('.test.ts')).map((entry) => `test/${name}/${entry}`);
}

/**
 * Whether a file, or what it imports or starts as a thread, matches {@link REACHES_OUT}, or one of them in test/
 * {@link NAMES_LIBRARY}.
 * @param inputs every source with its imports, as esbuild has them
 */
function reachesOut(file, inputs) {
  const seen = new Set([file]);
  for (const path of seen) {
    if (path.startsWith('node_modules/') || !existsSync(join(PROJECT, path))) continue;
    const text = readFileSync(join(PROJECT, path), 'utf8');
    if (REACHES_OUT.test(text) || (path.startsWith('test/') && NAMES_LIBRARY.test(text))) return true;
    for (const { path: imported, external } of inputs[path]?.imports ?? []) if (!external) seen.add(imported);
    for (const [, thread] of text.matchAll(/new URL\(\s*'([^']+\.ts)',\s*import\.meta\.url/g)) {
      seen.add(join(dirname(path), thread));
    }
  }
  return false;
}

/**
 * What the processes run, by names in the order in which they are to begin: Node sorts them.
 * @param sources that are bundled in `folder`
 */
function writeEntries(folder, sources) {
  const longest = LONGEST.flatMap((name) =>
    sources.filter((file) => file === `test/${name}.test.ts` || file === `test/${name}.slow.ts`),
  );
  const rest = sources.filter((file) => !longest.includes(file));
  const sharing = rest.filter(mayShare);
  const processes = [...longest, ...rest.filter((file) => !sharing.includes(file))].map((file) => [file]);
  const each = Math.min(SHARED_BY, Math.ceil(sharing.length / availableParallelism()));
  while (sharing.length > 0) processes.push(sharing.splice(0, each));
  return processes.map((files, i) => {
    const name = files.length === 1 ? files[0].replaceAll('/', '-') : `${files.length}-files`;
    const entry = join(folder, `${String(i).padStart(3, '0')}-${name}.mjs`);
    // One after another: files imported at once would wait for each other's top-level awaits by turns.
    const imports = files.map((file) => `await import('./${file.replace(/\.ts$/, '.js')}');`);
    const head = values.times ? timing(join(folder, TIMES), files.join(' ')) : [];
    writeFileSync(entry, [...head, ...(files.length === 1 ? imports : together(imports))].join('\n'));
    return entry;
  });
}

/** Node ends the tests when those that it knows of have ended: none may begin before all files have said theirs. */
function together(imports) {
  return [
    "import { test } from 'node:test';",
    'let resolve;',
    'const loaded = new Promise((done) => { resolve = done; });',
    `test('${imports.length} files are loaded', () => loaded);`,
    ...['try {', ...imports, '} finally {', 'resolve();', '}'],
  ];
}

/** At its end a process writes down its CPU time and that of the processes that it waited for, in ticks of 10 ms. */
function timing(path, name) {
  return [
    "import { appendFileSync, readFileSync } from 'node:fs';",
    "process.on('exit', () => {",
    // After the name of the program, which may hold blanks: user and system time, of itself and of others.
    "  const ticks = readFileSync('/proc/self/stat', 'utf8').replace(/.*\\) /, '').split(' ').slice(11, 15);",
    `  appendFileSync(${JSON.stringify(path)}, JSON.stringify([ticks.map(Number), ${JSON.stringify(name)}]) + '\\n');`,
    '});',
  ];
}

function reportTimes(folder) {
  const rows = readFileSync(join(folder, TIMES), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(([ticks, name]) => [ticks.reduce((sum, each) => sum + each, 0) / 100, name])
    .sort(([a], [b]) => b - a);
  const total = rows.reduce((sum, [seconds]) => sum + seconds, 0);
  process.stdout.write(`\n${total.toFixed(0)} s of CPU time in ${rows.length} processes\n`);
  for (const [seconds, name] of rows) process.stdout.write(`${seconds.toFixed(1).padStart(6)}  ${name}\n`);
}

function mayShare(file) {
  const [, folder] = file.split('/');
  return SHARING.includes(folder) && !OF_A_PROCESS.test(readFileSync(join(PROJECT, file), 'utf8'));
}

/** A script of package.json beside the tests; what it says is kept for the end. */
async function npmRun(name) {
  const child = spawn(`npm run --silent ${name}`, {
    cwd: PROJECT,
    shell: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  return { name, ...(await ended(child)), output };
}

/** The status a process ends with; 1 where a signal ended it or it did not start. */
function ended(child) {
  return new Promise((resolve) => {
    child.on('error', () => resolve({ status: 1 }));
    child.on('close', (status) => resolve({ status: status ?? 1 }));
  });
}
