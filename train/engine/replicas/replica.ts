import type { Worker } from 'node:worker_threads';
import { endWorker } from '../../../core/workers/end-worker.ts';
import { startWorker } from '../../../core/workers/start-worker.ts';
import type { ReplicaReply, ReplicaRequest, ReplicaSetup } from './protocol.ts';

/** A worker thread that computes the gradient of its share of every batch. */
export class Replica {
  readonly #worker: Worker;
  readonly #ready: Promise<number>;
  /** Settles when it has answered all it was asked. */
  #rest: Promise<unknown>;
  #resolve: (loss: number) => void = () => {};
  #reject: (error: Error) => void = () => {};
  #failure: Error | undefined;
  #stopped = false;

  constructor(readonly setup: ReplicaSetup) {
    this.#ready = this.#nextReply();
    this.#rest = this.#ready;
    this.#worker = startWorker(new URL('./replica-worker.ts', import.meta.url), setup, 'replica');
    this.#worker.on('message', (reply: ReplicaReply) => {
      if ('error' in reply) this.#fail(new Error(reply.error));
      else this.#resolve('loss' in reply ? reply.loss : 0);
    });
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => {
      if (!this.#stopped) this.#fail(new Error(`a training replica ended with code ${code}`));
    });
  }

  /** Resolves once the gradient graph is loaded. */
  async ready(): Promise<void> {
    await this.#ready;
  }

  /**
   * Computes a share's gradient into the shared arrays; gives its mean loss. The request's memory moves to the
   * worker, so its arrays must be the share's own.
   */
  async step(request: ReplicaRequest): Promise<number> {
    if (this.#failure) throw this.#failure;
    const reply = this.#nextReply();
    this.#rest = reply;
    this.#worker.postMessage(request, [request.images.buffer, request.targets.buffer]);
    return reply;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await endWorker(this.#worker, this.#rest);
  }

  #nextReply(): Promise<number> {
    const reply = new Promise<number>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // It may fail before anybody waits for it.
    reply.catch(() => {});
    return reply;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#reject(error);
  }
}
