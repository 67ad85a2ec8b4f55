import { answerCalls, type CallTable, type Handlers, type ToWorker } from '../../../core/workers/calls.ts';

/** Answers the page's calls in this worker from now on. */
export function serveCalls<C extends CallTable>(handlers: Handlers<C>): void {
  const receive = answerCalls<C>(
    handlers,
    (message, transfer) => self.postMessage(message, { transfer }),
    // What the reader cannot mend is our bug, and its stack is best read here.
    (error) => console.error(error),
  );
  self.addEventListener('message', (event: MessageEvent<ToWorker>) => receive(event.data));
}
