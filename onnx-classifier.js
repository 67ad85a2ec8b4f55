#!/usr/bin/env node
/**
 * Starts a command from its built form: `node onnx-classifier.js train --help` does what `tsx train/train.cli.ts --help`
 * does, in a fraction of the time. Whenever the sources have changed they are bundled anew, in about a second, into
 * a folder of its own under node_modules/.cache; processes that started from an older build go on with its files.
 * Where nothing can be built (a folder that cannot be written), tsx runs the sources as they are.
 *
 * JavaScript, because Node 20 runs no TypeScript.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const COMMANDS = {
  data: 'core/data/data.cli.ts',
  train: 'train/train.cli.ts',
  ablation: 'train/ablation/ablation.cli.ts',
  'augment-sheet': 'train/augment-sheet/augment-sheet.cli.ts',
  runs: 'train/runs/runs.cli.ts',
  'test-model': 'train/test-model/test-model.cli.ts',
  'step-graph': 'train/step-files/step-graph.cli.ts',
  export: 'export/export.cli.ts',
  weights: 'export/weights/weights.cli.ts',
  inspect: 'export/inspect/inspect.cli.ts',
  predict: 'predict.ts',
  serve: 'serve/serve.cli.ts',
  evaluate: 'serve/evaluate/evaluate.cli.ts',
  demo: 'web-demo/demo.cli.ts',
  quickstart: 'quickstart.ts',
  'setup:tensorflow': 'setup/tensorflow/setup-tensorflow.cli.ts',
  'setup:openvino': 'setup/openvino/setup-openvino.cli.ts',
  pretrained: 'setup/pretrained/pretrained.cli.ts',
  doctor: 'setup/doctor/doctor.cli.ts',
  bench: 'bench/bench.cli.ts',
  soak: 'bench/serve/soak.cli.ts',
};

const PROJECT = fileURLToPath(new URL('.', import.meta.url));
const CACHE = join(PROJECT, 'node_modules', '.cache', 'onnx-classifier');
/** Which build is the newest, and size and time of every file that it was made of. */
const NEWEST = join(CACHE, 'newest.json');
/** What `import.meta.url` becomes. */
const SOURCE_URL = 'sourceUrl';
/** Older builds are kept for the processes that run from them. */
const KEPT_MS = 7 * 24 * 3600 * 1000;

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main(...process.argv.slice(2));

async function main(name, ...args) {
  if (name === '--build') await build();
  else if (name !== undefined && Object.hasOwn(COMMANDS, name)) await start(COMMANDS[name], args);
  else {
    const list = Object.keys(COMMANDS).join(', ');
    const what = name === undefined ? 'no command given' : `no command ${JSON.stringify(name)}`;
    process.stderr.write(`error: ${what}; there are ${list}\n`);
    process.exitCode = 1;
  }
}

/** Runs a command as if Node had been started with its file. */
async function start(source, args) {
  const folder = newestBuild() ?? (await build().catch(() => undefined));
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
  const { metafile } = await bundle(folder, Object.values(COMMANDS));
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
 */
export async function bundle(folder, sources) {
  const { build: run } = await import('esbuild');
  const started = await startedFiles();
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
      { name: 'places of the sources', setup: keepPlaces },
      { name: 'zod/mini', setup: includeZod },
    ],
  });
}

/** The files that a source names as `new URL('./x.ts', import.meta.url)`: entries of threads and processes. */
async function startedFiles() {
  const found = new Set();
  for (const stage of ['core', 'train', 'export', 'serve', 'setup', 'bench']) {
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

/** Of zod/mini a command uses a part, which loads in 6 ms where the package takes 60. */
function includeZod({ onResolve }) {
  onResolve({ filter: /^zod\/mini$/ }, () => ({ path: fileURLToPath(import.meta.resolve('zod/mini')) }));
}
