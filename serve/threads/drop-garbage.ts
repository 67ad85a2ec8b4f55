import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What may be left to the garbage collector, which does not run while a thread has nothing to do. */
const GARBAGE_BYTES = 64e6;

let collect: (() => void) | undefined;

/**
 * Frees what is held no more, if there may be much of it: a picture of very many pixels, or a model that was read,
 * leaves hundreds of megabytes, which would stay until the next one comes. It stops this thread for a while.
 */
export function dropGarbage(): void {
  const { heapUsed, external } = process.memoryUsage();
  if (heapUsed + external <= GARBAGE_BYTES) return;
  if (!collect) {
    // Node's `--expose-gc`, afterwards.
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
