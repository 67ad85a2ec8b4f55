import type { Worker } from 'node:cluster';

/** What Node's cluster module says to a worker, and hears of it, when it hands a connection over. */
interface ClusterMessage {
  act?: string;
  /** Of a message, its number. */
  seq?: number;
  /** Of an answer, the message's number. */
  ack?: number;
}

interface Offer {
  message: ClusterMessage;
  connection: { close(): void };
}

type Send = (message: ClusterMessage, handle?: Offer['connection'], ...more: unknown[]) => boolean;

/**
 * The connections that are being handed to a process. Node's cluster module keeps its own copy of one until the
 * process says that it has it, and so for ever if the process dies before: the client would wait for an answer
 * that nobody gives.
 */
export class OfferedConnections {
  readonly #worker: Worker;
  readonly #offers = new Map<number, Offer>();

  constructor(worker: Worker) {
    this.#worker = worker;
    const { process } = worker;
    const send = process.send.bind(process) as Send;
    process.send = ((message, handle, ...more) => {
      if (message?.act === 'newconn' && handle)
        this.#offers.set(message.seq!, { message, connection: handle });
      return send(message, handle, ...more);
    }) as Send as typeof process.send;
    // Any answer settles it: the process has it, or wants it handed to another.
    process.on('internalMessage' as 'message', (message) => {
      this.#offers.delete((message as ClusterMessage).ack!);
    });
  }

  /**
   * To be called when the process is gone. What it has not taken, and so not read, is offered to another, whose
   * answer counts as its own; where there is none it is closed, and the client can try again.
   */
  passOn(findOther: () => OfferedConnections | undefined): void {
    if (this.#worker.isConnected()) {
      // What it said at last is not read to its end.
      setImmediate(() => this.passOn(findOther));
      return;
    }
    const other = findOther();
    for (const { message, connection } of this.#offers.values()) {
      if (other) (other.#worker.process.send as Send)(message, connection);
      else connection.close();
    }
    this.#offers.clear();
  }
}
