import type { Worker } from 'node:cluster';

/** What Node's cluster module says to a worker, and hears of it, when it hands a connection over. */
interface ClusterMessage {
  act?: string;
  ack?: number;
}

type Send = (message: ClusterMessage, handle?: { close?(): void }, ...more: unknown[]) => boolean;

/**
 * Closes the connection that was being handed to a process when that died. Node's cluster module keeps its own
 * copy until the process says that it has the connection (one at a time), and so for ever if it never does: the
 * client would wait for an answer that nobody gives. Closed, it can send its request again.
 */
export function closeUnclaimedConnection(worker: Worker): void {
  const { process } = worker;
  let offered: { close?(): void } | undefined;
  const send = process.send.bind(process) as Send;
  process.send = ((message, handle, ...more) => {
    if (message?.act === 'newconn') offered = handle;
    return send(message, handle, ...more);
  }) as Send as typeof process.send;
  // Any answer settles it: the process has it, or wants it handed to another.
  process.on('internalMessage' as 'message', (message) => {
    if ((message as ClusterMessage).ack !== undefined) offered = undefined;
  });
  worker.once('exit', () => offered?.close?.());
}
