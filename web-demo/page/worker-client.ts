import { UserError } from '../../core/errors.ts';
import { Calls, type CallTable, type FromWorker } from '../../core/workers/calls.ts';

/** The page's end of a worker: calls that return promises. */
export class WorkerClient<C extends CallTable> extends Calls<C> {
  constructor(worker: Worker) {
    super((message, transfer) => worker.postMessage(message, transfer));
    worker.addEventListener('message', (event: MessageEvent<FromWorker>) => this.receive(event.data));
    // The worker itself broke (its file is missing, or memory ran out).
    worker.addEventListener('error', ({ message }) =>
      this.fail(
        new UserError(`The page's worker stopped (${message || 'unknown reason'}); reload the page.`),
      ),
    );
  }
}

/** Whether a call ended because it was aborted. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
