#!/usr/bin/env node
/**
 * Starts a command from its built form: `node onnx-classifier.js train --help` does what `tsx train/train.cli.ts --help`
 * does, in a fraction of the time. Whenever the sources have changed they are bundled anew, in about a second, into
 * a folder of its own under node_modules/.cache; processes that started from an older build go on with its files.
 * Where nothing can be built (a folder that cannot be written), tsx runs the sources as they are. An installed package
 * has no sources: its built form is dist/.
 *
 * JavaScript, because Node 20 runs no TypeScript.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What starts each command, and what it is for. */
const COMMANDS = {
  data: {
    source: 'core/data/data.cli.ts',
    summary: 'download CIFAR-100 or CIFAR-10, or report on any dataset',
  },
  train: { source: 'train/train.cli.ts', summary: 'train or fine-tune a net' },
  ablation: { source: 'train/ablation/ablation.cli.ts', summary: 'train the table of the reference recipe' },
  'augment-sheet': {
    source: 'train/augment-sheet/augment-sheet.cli.ts',
    summary: 'draw what the augmentation does',
  },
  runs: { source: 'train/runs/runs.cli.ts', summary: 'list, compare and note training runs' },
  'test-model': {
    source: 'train/test-model/test-model.cli.ts',
    summary: 'test a run or a weights file on the test images',
  },
  'step-graph': {
    source: 'train/step-files/step-graph.cli.ts',
    summary: 'write the training step as ONNX files',
  },
  export: { source: 'export/export.cli.ts', summary: 'write a run or weights as an ONNX model' },
  weights: {
    source: 'export/weights/weights.cli.ts',
    summary: 'convert between .pth, .safetensors and .onnx',
  },
  inspect: { source: 'export/inspect/inspect.cli.ts', summary: "show a model's layers, cost and times" },
  predict: { source: 'predict.ts', summary: 'classify pictures without a server' },
  serve: { source: 'serve/serve.cli.ts', summary: 'serve models over HTTP' },
  evaluate: { source: 'serve/evaluate/evaluate.cli.ts', summary: 'measure a server on test images' },
  demo: { source: 'web-demo/demo.cli.ts', summary: 'serve the page that runs models in the browser' },
  quickstart: {
    source: 'quickstart.ts',
    summary: 'all of it in a few minutes: train, export, serve, evaluate, browse',
  },
  'setup:tensorflow': {
    source: 'setup/tensorflow/setup-tensorflow.cli.ts',
    summary: 'set TensorFlow up for train --engine tfjs',
  },
  'setup:openvino': {
    source: 'setup/openvino/setup-openvino.cli.ts',
    summary: 'set OpenVINO up for --runtime openvino',
  },
  pretrained: { source: 'setup/pretrained/pretrained.cli.ts', summary: 'fetch published ImageNet weights' },
  doctor: { source: 'setup/doctor/doctor.cli.ts', summary: 'show what this machine offers' },
  bench: { source: 'bench/bench.cli.ts', summary: 'measure against PyTorch and plain TensorFlow.js' },
  soak: { source: 'bench/serve/soak.cli.ts', summary: 'attack a server of its own' },
};
/** These compare with tools that only a checkout has. */
const OF_CHECKOUT = new Set(['bench', 'soak']);

const PROJECT = fileURLToPath(new URL('.', import.meta.url));
const CACHE = join(PROJECT, 'node_modules', '.cache', 'onnx-classifier');
/** The built form of an installed package; undefined in a checkout. */
const DIST = existsSync(join(PROJECT, 'index.ts')) ? undefined : join(PROJECT, 'dist');
/** Which build is the newest, and size and time of every file that it was made of. */
const NEWEST = join(CACHE, 'newest.json');
/** What `import.meta.url` becomes. */
const SOURCE_URL = 'sourceUrl';
/** Older builds are kept for the processes that run from them. */
const KEPT_MS = 7 * 24 * 3600 * 1000;

/** For bash, and for zsh by way of bash's: asks this file at each TAB, and takes file names where it gives nothing. */
const COMPLETION = `[ -z "\${ZSH_VERSION-}" ] || { autoload -Uz compinit bashcompinit && compinit && bashcompinit; }
_onnx_classifier() {
  local IFS=$'\\n'
  COMPREPLY=($(COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" COMP_WORDBREAKS="\${COMP_WORDBREAKS-}" "$1" completion 2>/dev/null))
}
complete -o default -F _onnx_classifier onnx-classifier
`;

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main(...process.argv.slice(2));

async function main(name, ...args) {
  const names = commands();
  if (name === '--build') await build();
  else if (names.includes(name)) await start(COMMANDS[name].source, args);
  else if (name === '--help' || name === '-h' || name === 'help')
    process.stdout.write(`${helpText(names)}\n`);
  else if (name === 'completion') process.stdout.write(completion(names, process.env));
  else if (name === '--version') process.stdout.write(`${manifest().version}\n`);
  else {
    const what = name === undefined ? 'no command given' : `no command ${JSON.stringify(name)}`;
    process.stderr.write(`error: ${what}; there are ${names.join(', ')}\n`);
    process.exitCode = 1;
  }
}

/** The commands that there are here, by name. */
function commands(portable = DIST !== undefined) {
  return Object.keys(COMMANDS).filter((name) => !portable || !OF_CHECKOUT.has(name));
}

/** The sources of all commands, or of those that a package has. */
export function sources({ portable = false } = {}) {
  return commands(portable).map((name) => COMMANDS[name].source);
}

function helpText(names) {
  const width = Math.max(...names.map((name) => name.length));
  return [
    manifest().description,
    '',
    `Usage: ${DIST === undefined ? 'npm run COMMAND -- [options]' : 'onnx-classifier COMMAND [options]'}`,
    '',
    ...names.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name].summary}`),
    '',
    'Each says with --help what its options are.',
    ...(DIST === undefined ? [] : ['bash and zsh complete them after: eval "$(onnx-classifier completion)"']),
  ].join('\n');
}

/**
 * What a shell is told: the script that makes it ask, or where it asks, what the word before the cursor may become, a line each.
 * @param names of the commands
 * @param env COMP_LINE, COMP_POINT and COMP_WORDBREAKS as bash sets them for a completion
 */
function completion(names, { COMP_LINE: line, COMP_POINT: point, COMP_WORDBREAKS: breaks = '' }) {
  if (line === undefined) return COMPLETION;
  const words = line.slice(0, point).split(/\s+/).slice(1);
  const word = words.pop() ?? '';
  // bash puts only what is behind the colon of setup:tensorflow in its place.
  const kept = breaks.includes(':') ? word.lastIndexOf(':') + 1 : 0;
  return candidates(names, words)
    .filter((candidate) => candidate.startsWith(word))
    .map((candidate) => `${candidate.slice(kept)}\n`)
    .join('');
}

/** The commands, a command's options, or the choices of the option that stands before. */
function candidates(names, [command, ...words]) {
  if (command === undefined) return names;
  if (!names.includes(command)) return [];
  const help = spawnSync(process.execPath, [fileURLToPath(import.meta.url), command, '--help'], {
    encoding: 'utf8',
  }).stdout;
  const options = [...help.matchAll(/^ {2}(--\S+)(?: (\S+))? {2,}(.*)$/gm)].map(([, flag, value, text]) => ({
    flag,
    // Choices are in the value's place, or at the end of what is said.
    choices:
      value?.match(/^[\w.-]+(\|[\w.-]+)+$/)?.[0].split('|') ??
      text.match(/\(one of ([^;)]+)/)?.[1].split(', '),
    takes: value !== undefined,
  }));
  const before = options.find(({ flag }) => flag === words.at(-1));
  return before?.takes ? (before.choices ?? []) : options.map(({ flag }) => flag);
}

function manifest() {
  return JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
}

/** Runs a command as if Node had been started with its file. */
async function start(source, args) {
  const folder = DIST ?? newestBuild() ?? (await build().catch(() => undefined));
  const file = join(folder ?? PROJECT, folder === undefined ? source : javaScript(source));
  process.argv = [process.argv[0], file, ...args];
  if (folder === undefined) {
    // The processes of `serve --processes` are started as this one was.
    process.execArgv.push('--import', import.meta.resolve('tsx'));
    const { register } = await import('tsx/esm/api');
    register();
  }
  await import(pathToFileURL(file).href);
}

/** The folder of a build of the sources as they are now. */
function newestBuild() {
  try {
    const { folder, project, files } = JSON.parse(readFileSync(NEWEST, 'utf8'));
    if (project !== PROJECT) return undefined;
    return Object.entries(files).every(([file, stamp]) => stampOf(file) === stamp) ? folder : undefined;
  } catch {
    return undefined; // Never built, or a file is gone.
  }
}

function stampOf(file) {
  const { size, mtimeMs } = statSync(join(PROJECT, file));
  return `${size} ${mtimeMs}`;
}

function javaScript(source) {
  return source.replace(/\.ts$/, '.js');
}

/**
 * Bundles all commands, and what they start as threads and processes, from the sources as they are now.
 * @returns the folder, in which each has the place that its source has in the project
 */
async function build() {
  const begun = Date.now();
  const folder = join(CACHE, `${begun.toString(36)}-${process.pid}`);
  await mkdir(CACHE, { recursive: true });
  const { metafile } = await bundle(
    folder,
    Object.values(COMMANDS).map(({ source }) => source),
  );
  const files = Object.fromEntries(Object.keys(metafile.inputs).map((file) => [file, stampOf(file)]));
  // What was written while it was bundled may be in it or not: built again next time.
  const late = Object.keys(files).find((file) => statSync(join(PROJECT, file)).mtimeMs >= begun);
  if (late !== undefined) files[late] = '';
  const aside = `${folder}.json`;
  await writeFile(aside, JSON.stringify({ folder, project: PROJECT, files }));
  await rename(aside, NEWEST);
  for (const entry of await readdir(CACHE)) {
    const path = join(CACHE, entry);
    const { mtimeMs } = await stat(path);
    if (begun - mtimeMs > KEPT_MS) await rm(path, { recursive: true, force: true });
  }
  return folder;
}

/**
 * Bundles sources, by their paths in the project, and what they start as threads and processes.
 * @param folder in which each gets the place that its source has in the project
 * @param options.portable the folder is what an installed package has: it may lie anywhere, and what is looked for beside
 *   a source is looked for in it
 */
export async function bundle(folder, sources, { portable = false } = {}) {
  const { build: run } = await import('esbuild');
  const started = await startedFiles(portable ? [] : ['bench']);
  return run({
    absWorkingDir: PROJECT,
    // A container may hold a part of the project.
    entryPoints: [...sources, ...started].filter((file) => existsSync(join(PROJECT, file))),
    outdir: folder,
    outbase: PROJECT,
    bundle: true,
    splitting: true,
    chunkNames: '[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    metafile: true,
    logLevel: 'silent',
    define: { 'import.meta.url': SOURCE_URL },
    plugins: [
      { name: 'places of the sources', setup: portable ? placesInPackage : keepPlaces },
      { name: 'zod/mini', setup: includeZod },
    ],
  });
}

/** The files that a source names as `new URL('./x.ts', import.meta.url)`: entries of threads and processes. */
async function startedFiles(more) {
  const found = new Set();
  for (const stage of ['core', 'train', 'export', 'serve', 'setup', ...more]) {
    for (const entry of await readdir(join(PROJECT, stage), { recursive: true }).catch(() => [])) {
      if (!entry.endsWith('.ts')) continue;
      const text = await readFile(join(PROJECT, stage, entry), 'utf8');
      for (const [, path] of text.matchAll(/new URL\(\s*'([^']+\.ts)',\s*import\.meta\.url/g)) {
        found.add(join(stage, dirname(entry), path));
      }
    }
  }
  return found;
}

/** A bundle's `import.meta.url` is its source's, so that what is looked for beside a source is found. */
function keepPlaces({ onLoad }) {
  onLoad({ filter: /\.ts$/ }, async ({ path }) => {
    const text = await readFile(path, 'utf8');
    if (!text.includes('import.meta.url')) return { contents: text, loader: 'ts' };
    const url = JSON.stringify(pathToFileURL(path).href);
    return { contents: `const ${SOURCE_URL} = ${url};\n${text}`, loader: 'ts' };
  });
}

/**
 * In a package a source's `import.meta.url` is where it would lie in the folder of the bundle, wherever that is, and
 * commands are called as the package's are.
 */
function placesInPackage({ onLoad, onResolve }) {
  // In the file of its own that all share, at the top of the folder; core/workers/thread.ts relies on the same.
  onResolve({ filter: /^#dist$/ }, () => ({ path: '#dist', namespace: 'dist' }));
  onLoad({ filter: /./, namespace: 'dist' }, () => ({
    contents: `import { pathToFileURL } from 'node:url'; export const DIST = pathToFileURL(import.meta.dirname + '/');`,
  }));
  onLoad({ filter: /\.ts$/ }, async ({ path }) => {
    const text = asPackage(await readFile(path, 'utf8'));
    if (!text.includes('import.meta.url')) return { contents: text, loader: 'ts' };
    const place = JSON.stringify(relative(PROJECT, path).split(sep).join('/'));
    const head = `import { DIST } from '#dist'; const ${SOURCE_URL} = new URL(${place}, DIST).href;`;
    return { contents: `${head}\n${text}`, loader: 'ts' };
  });
}

/** A source's text with its commands called as an installed package's are: `npm run train -- --help` as `onnx-classifier train --help`. */
export function asPackage(text) {
  return text.replace(/\bnpm run (\$\{[\w.]+\}|[a-z][a-z:-]*)( --(?= ))?/g, 'onnx-classifier $1');
}

/** Of zod/mini a command uses a part, which loads in 6 ms where the package takes 60. */
function includeZod({ onResolve }) {
  onResolve({ filter: /^zod\/mini$/ }, () => ({ path: fileURLToPath(import.meta.resolve('zod/mini')) }));
}
