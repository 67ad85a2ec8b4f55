import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/**
 * The folder of the build that this runs from (`onnx-classifier.js` makes it), or undefined under tsx. There
 * `import.meta.url` is the source's; the name of the file is what it is.
 */
const BUILD = import.meta.filename.endsWith('.ts') ? undefined : dirname(import.meta.filename);

/**
 * Starts a worker thread from a `.ts` file, or from its built form. Node 20 gives a worker's entry file to its own
 * loader before tsx's hooks are in place ("Unknown file extension .ts"), whatever `execArgv` says, so there the
 * thread starts from a line of JavaScript that registers tsx and then imports the file. tsx is resolved from here
 * and not from the working directory.
 * @param script URL of the `.ts` file
 * @param workerData becomes the thread's `workerData`; shared memory in it is shared, all else is copied
 * @param name shown by debuggers
 */
export function startWorker(script: URL, workerData: unknown, name?: string): Worker {
  const options = { execArgv: [], workerData, ...(name === undefined ? {} : { name }) };
  const built = builtForm(script);
  if (built !== undefined) return new Worker(built, options);
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const entry = JSON.stringify(script.href);
  return new Worker(`import(${tsx}).then(({ register }) => { register(); return import(${entry}); });`, {
    eval: true,
    ...options,
  });
}

/**
 * Node's arguments that run a `.ts` file in a process of its own.
 * @param script URL of the `.ts` file
 */
export function processArguments(script: URL): string[] {
  const built = builtForm(script);
  return built === undefined ? ['--import', import.meta.resolve('tsx'), fileURLToPath(script)] : [built];
}

function builtForm(script: URL): string | undefined {
  if (BUILD === undefined) return undefined;
  const path = join(BUILD, relative(PROJECT, fileURLToPath(script)).replace(/\.ts$/, '.js'));
  // A test's own thread is none of the build.
  return existsSync(path) ? path : undefined;
}
