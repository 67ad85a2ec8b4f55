import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../core/workers/start-worker.ts';
import { HttpError, OverloadError, UnavailableError } from '../http/http-error.ts';
import type { DecodeOptions } from './decode.ts';

/** To the thread: decode this; the bytes are copied. */
export interface DecodeMessage {
  bytes: Uint8Array;
  options: DecodeOptions;
}

/** From the thread, in the order of the questions. */
export type DecodedMessage = { data: Uint8Array } | { status: number; message: string };

interface Pending {
  message: DecodeMessage;
  resolve(data: Uint8Array): void;
  reject(error: unknown): void;
}

/**
 * A thread that decodes large images, one at a time: resizing them would hold up the event loop, and many at
 * once would need gigabytes. It is started when it is first needed, and again if it dies.
 */
export class DecodeThread {
  readonly #maxWaiting: number;
  readonly #queue: Pending[] = [];
  #worker: Worker | undefined;

  /** @param maxWaiting most images that may wait */
  constructor(maxWaiting = 64) {
    this.#maxWaiting = maxWaiting;
  }

  /**
   * As `decodeImage`.
   * @throws UnavailableError too, if too many images wait or the thread died of this one
   */
  decode(bytes: Uint8Array, options: DecodeOptions): Promise<Uint8Array> {
    if (this.#queue.length > this.#maxWaiting) {
      throw new OverloadError('too many large images are waiting to be decoded; try again later');
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ message: { bytes, options }, resolve, reject });
      if (this.#queue.length === 1) this.#send();
    });
  }

  #send(): void {
    const next = this.#queue[0];
    if (!next) {
      this.#worker?.unref();
      return;
    }
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage(next.message);
  }

  #start(): Worker {
    const worker = startWorker(new URL('./decode-worker.ts', import.meta.url), undefined, 'decode');
    worker.on('message', (answer: DecodedMessage) => {
      const { resolve, reject } = this.#queue.shift()!;
      if ('data' in answer) resolve(answer.data);
      else reject(new HttpError(answer.status, answer.message));
      this.#send();
    });
    // 'exit' follows, and answers.
    worker.on('error', () => {});
    worker.once('exit', () => {
      this.#worker = undefined;
      this.#queue.shift()?.reject(new UnavailableError('decoding the image was interrupted; try again'));
      this.#send();
    });
    return worker;
  }
}
