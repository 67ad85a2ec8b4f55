import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a worker thread whose module is TypeScript.
 * On Node 20 a worker does not inherit the loader that tsx puts into the main thread, and
 * `execArgv: ['--import', 'tsx']` is not honoured there either, so a line of JavaScript registers it first.
 */
export function startTypeScriptWorker(module: URL, options: Omit<WorkerOptions, 'eval'> = {}): Worker {
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `import(${loader}).then(({ register }) => { register(); return import(${JSON.stringify(module.href)}); });`;
  return new Worker(code, { ...options, eval: true });
}
