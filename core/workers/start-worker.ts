import { Worker } from 'node:worker_threads';

/**
 * Starts a worker thread from a `.ts` file. Node 20 gives a worker's entry file to its own loader before
 * tsx's hooks are in place ("Unknown file extension .ts"), whatever `execArgv` says, so the thread starts
 * from a line of JavaScript that registers tsx and then imports the file. tsx is resolved from here and not
 * from the working directory.
 * @param script URL of the `.ts` file
 * @param workerData becomes the thread's `workerData`; shared memory in it is shared, all else is copied
 * @param name shown by debuggers
 */
export function startWorker(script: URL, workerData: unknown, name?: string): Worker {
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const entry = JSON.stringify(script.href);
  return new Worker(`import(${tsx}).then(({ register }) => { register(); return import(${entry}); });`, {
    eval: true,
    execArgv: [],
    workerData,
    ...(name === undefined ? {} : { name }),
  });
}
