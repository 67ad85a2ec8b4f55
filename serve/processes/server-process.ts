import type { Worker } from 'node:cluster';
import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { errorMessage, UserError } from '../../core/errors.ts';
import { ALIVE_MS, type CountedMetric, type ToPrimary, type ToWorker } from './messages.ts';

/**
 * For glibc, which else keeps the tens of megabytes that a model or a picture took, in each of very many threads'
 * arenas; what the user set is his. It reads these as a process starts. In bytes, but for the number of arenas.
 */
export function allocatorSettings(): Record<string, string> {
  const settings = {
    MALLOC_ARENA_MAX: String(Math.max(2, availableParallelism())),
    MALLOC_MMAP_THRESHOLD_: '1000000',
    MALLOC_TRIM_THRESHOLD_: '8000000',
  };
  return Object.fromEntries(Object.entries(settings).filter(([name]) => process.env[name] === undefined));
}

export interface ServerProcessOptions {
  /** What to answer a client that asks this process for metrics. */
  readMetrics: () => Promise<string>;
  /** A process that serves, for the connections that this one leaves. */
  findOther: () => ServerProcess | undefined;
  /** How long it may give no sign of life while it serves; then it is killed, in seconds. */
  silenceSeconds: number;
  /** Told before it is killed for that. */
  onSilent: (it: ServerProcess) => void;
}

/** The first process's side of one server process, which is this program again. */
export class ServerProcess {
  readonly pid: number;
  /** Resolves with what it has to say on the terminal when it serves; fails with the reason why it never will. */
  readonly serving: Promise<string>;
  /** Resolves when it is gone, with how it went. */
  readonly ended: Promise<string>;
  /** The connections that are being handed to it. */
  readonly offered: OfferedConnections;
  readonly #worker: Worker;
  readonly #counting = new Map<number, (metrics: CountedMetric[]) => void>();
  #nextId = 0;
  #isServing = false;
  /** Looks since it last said that it is alive. */
  #silence = 0;
  #hasEnded = false;

  constructor({ readMetrics, findOther, silenceSeconds, onSilent }: ServerProcessOptions) {
    this.#worker = cluster.fork(allocatorSettings());
    this.pid = this.#worker.process.pid!;
    this.offered = new OfferedConnections(this.#worker);
    // What cannot be sent to one that is dying; its exit follows.
    this.#worker.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (code, signal) => {
        this.#hasEnded = true;
        this.offered.passOn(() => findOther()?.offered);
        resolve(signal ? `by ${signal}` : `with code ${code}`);
      });
    });
    this.serving = new Promise((resolve, reject) => {
      this.#worker.on('message', (message: ToPrimary) => {
        switch (message.type) {
          case 'serving':
            this.#isServing = true;
            this.#watch(silenceSeconds, onSilent);
            resolve(message.text);
            break;
          case 'alive':
            this.#silence = 0;
            break;
          case 'failed':
            reject(new UserError(message.reason));
            break;
          case 'metrics-wanted':
            void readMetrics()
              .catch((error: unknown) => `# ${errorMessage(error)}\n`)
              .then((text) => this.#tell({ type: 'metrics', id: message.id, text }));
            break;
          case 'counted':
            this.#counting.get(message.id)?.(message.metrics);
        }
      });
      void this.ended.then((how) => reject(new UserError(`a server process ended ${how}`)));
    });
    // Whoever waits for it hears of it; nobody may.
    this.serving.catch(() => {});
  }

  /** Whether it answered, or still answers, requests. */
  get hasServed(): boolean {
    return this.#isServing;
  }

  get isServing(): boolean {
    return this.#isServing && !this.#hasEnded;
  }

  /** What it counted so far; undefined if it does not say within a time, or has died. */
  async count(milliseconds: number): Promise<CountedMetric[] | undefined> {
    const id = this.#nextId++;
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<CountedMetric[] | undefined>((resolve) => {
      this.#counting.set(id, resolve);
      timer = setTimeout(resolve, milliseconds, undefined);
      this.#tell({ type: 'count', id });
    });
    const counted = await Promise.race([answer, this.ended.then(() => undefined)]);
    clearTimeout(timer);
    this.#counting.delete(id);
    return counted;
  }

  /**
   * Lets it finish what it accepted; resolves when it is gone.
   * @param seconds after which it is killed
   */
  async stop(seconds: number): Promise<void> {
    this.#tell({ type: 'stop' });
    const timer = setTimeout(() => this.#worker.process.kill('SIGKILL'), seconds * 1000);
    await this.ended;
    clearTimeout(timer);
  }

  /** A process that is frozen, or busy for ever, would keep its clients waiting and never stop. */
  #watch(silenceSeconds: number, onSilent: (it: ServerProcess) => void): void {
    // Looks are counted, not time: one in which this process stood still itself says nothing of the other.
    const timer = setInterval(() => {
      if (++this.#silence * ALIVE_MS <= silenceSeconds * 1000) return;
      clearInterval(timer);
      onSilent(this);
      this.#worker.process.kill('SIGKILL');
    }, ALIVE_MS);
    void this.ended.then(() => clearInterval(timer));
  }

  #tell(message: ToWorker): void {
    // One that is dying may close its end at any time; its exit says so.
    if (this.#worker.isConnected()) this.#worker.send(message, () => {});
  }
}

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
class OfferedConnections {
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
