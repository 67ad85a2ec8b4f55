import type { Worker } from 'node:worker_threads';

/** A thread that does not come to rest by then is taken to hang. */
const PATIENCE_MS = 30_000;

/**
 * Ends a worker thread once it rests. A thread that is ended while it is inside onnxruntime, loading a model or
 * running one, takes the whole process with it: the binding then throws where nothing catches.
 * @param rest settles when the thread does nothing; how it settles does not matter
 */
export async function endWorker(worker: Worker, rest: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS);
  });
  const gone = new Promise((resolve) => worker.once('exit', resolve));
  await Promise.race([rest.catch(() => {}), gone, patience]);
  clearTimeout(timer);
  await worker.terminate();
}
