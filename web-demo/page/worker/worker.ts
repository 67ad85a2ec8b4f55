import { errorMessage, UserError } from '../../../core/errors.ts';
import { classify } from './classify.ts';
import { evaluate } from './evaluate.ts';
import { openModel } from './model.ts';
import type { CallName, Calls, FromWorker, ToWorker } from './protocol.ts';

/** What a handler is given beside its parameters. */
export interface CallContext<K extends CallName> {
  progress: (value: Calls[K]['progress']) => void;
  signal: AbortSignal;
}

type Handlers = {
  [K in CallName]: (params: Calls[K]['params'], context: CallContext<K>) => Promise<Calls[K]['result']>;
};

const handlers: Handlers = { open: openModel, classify, evaluate };
const running = new Map<number, AbortController>();

self.addEventListener('message', (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  if (message.call === 'cancel') running.get(message.id)?.abort();
  else void answer(message.id, message.call, message.params);
});

async function answer<K extends CallName>(id: number, call: K, params: Calls[K]['params']): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const value = await handlers[call](params, {
      progress: (progress) => send({ id, type: 'progress', value: progress }),
      signal: controller.signal,
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

function send(message: FromWorker): void {
  self.postMessage(message);
}
