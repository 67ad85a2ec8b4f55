import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../core/workers/start-worker.ts';
import type { BatchSource } from './batch-maker.ts';
import { type BatchReply, type BatchRequest, transferList } from './protocol.ts';

/**
 * One worker of a loader. It keeps the process alive only while a batch is being made, so a trainer that
 * ends without closing its loader still exits.
 */
export class WorkerThread {
  readonly #worker: Worker;
  #pending = 0;
  #stopping = false;

  /** @param onFailure called when the thread dies before it is stopped, at most once with the first reason */
  constructor(
    script: URL,
    source: BatchSource,
    onReply: (reply: BatchReply) => void,
    onFailure: (error: Error) => void,
  ) {
    this.#worker = startWorker(script, source);
    this.#worker.unref();
    this.#worker.on('message', (reply: BatchReply) => {
      this.#pending -= 1;
      // A late reply must not undo that stop() keeps the process alive, or it would end before the thread has.
      if (this.#pending === 0 && !this.#stopping) this.#worker.unref();
      onReply(reply);
    });
    this.#worker.on('error', (error: unknown) => {
      const reason = error instanceof Error ? error : new Error(String(error));
      onFailure(new Error(`a data loader worker failed: ${reason.message}`, { cause: reason }));
    });
    this.#worker.on('messageerror', (error) => onFailure(error));
    this.#worker.on('exit', (code) => onFailure(new Error(`a data loader worker stopped with code ${code}`)));
  }

  /** Batches asked for and not made yet. */
  get pending(): number {
    return this.#pending;
  }

  post(request: BatchRequest): void {
    if (this.#pending === 0) this.#worker.ref();
    this.#pending += 1;
    this.#worker.postMessage(request, transferList(request.buffers));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#worker.terminate();
  }
}
