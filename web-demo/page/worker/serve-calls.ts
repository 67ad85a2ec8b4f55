import { errorMessage, UserError } from '../../../core/errors.ts';
import { Gate } from './gate.ts';
import type { CallTable, FromWorker, ToWorker } from './messages.ts';

/** What a handler is given beside its parameters. */
export interface CallContext<P> {
  progress: (value: P) => void;
  signal: AbortSignal;
  /** Closed while the page has paused the call. */
  gate: Gate;
}

export type Handlers<C extends CallTable> = {
  [K in keyof C]: (params: C[K]['params'], context: CallContext<C[K]['progress']>) => Promise<C[K]['result']>;
};

/** Answers the page's calls in this worker from now on. */
export function serveCalls<C extends CallTable>(handlers: Handlers<C>): void {
  const running = new Map<number, { controller: AbortController; gate: Gate }>();

  self.addEventListener('message', (event: MessageEvent<ToWorker>) => {
    const message = event.data;
    if ('call' in message) void answer(message.id, message.call, message.params);
    else {
      const task = running.get(message.id);
      if (message.control === 'pause') task?.gate.close();
      else task?.gate.open();
      if (message.control === 'cancel') task?.controller.abort();
    }
  });

  async function answer<K extends keyof C>(id: number, call: K, params: C[K]['params']): Promise<void> {
    const controller = new AbortController();
    const gate = new Gate();
    running.set(id, { controller, gate });
    try {
      const value = await handlers[call](params, {
        progress: (progress) => send({ id, type: 'progress', value: progress }),
        signal: controller.signal,
        gate,
      });
      send({ id, type: 'result', value });
    } catch (error) {
      const mendable = error instanceof UserError;
      const aborted = error instanceof DOMException && error.name === 'AbortError';
      // What the reader cannot mend is our bug, and its stack is only here.
      if (!mendable && !aborted) console.error(error);
      send({ id, type: 'error', message: errorMessage(error), mendable, aborted });
    } finally {
      running.delete(id);
    }
  }
}

function send(message: FromWorker): void {
  self.postMessage(message);
}
