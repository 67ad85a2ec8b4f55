import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../../serve/evaluate/evaluate-server.ts';
import { goodPictures } from './hostile-requests.ts';
import type { LoadRequest } from './load.ts';

/** What those who mean well noticed in a while. */
export interface Noticed {
  requests: number;
  /** Answers by their status; 0: the connection was cut, and the request sent again. */
  statuses: Map<number, number>;
  /** Of each request until it was answered, ascending. */
  milliseconds: number[];
}

/** Between a client's requests: they are users, not a load test. */
const PAUSE_MS = 20;
/** Nobody waits longer. */
const PATIENCE_MS = 60_000;

/** A few clients that ask one thing after the other, each kind of request by turns, until they are stopped. */
export class GoodClients {
  #noticed = nothing();
  #stopped = false;
  readonly #clients: Promise<unknown>;

  private constructor(url: string, requests: readonly LoadRequest[], count: number) {
    this.#clients = Promise.all(Array.from({ length: count }, (_, i) => this.#ask(url, requests, i)));
  }

  /** @param model its name; it takes 32x32 images */
  static async start(url: string, model: string, count: number): Promise<GoodClients> {
    return new GoodClients(url, await goodRequests(model), count);
  }

  /** What was noticed since this was last asked. */
  take(): Noticed {
    const noticed = this.#noticed;
    this.#noticed = nothing();
    noticed.milliseconds.sort((a, b) => a - b);
    return noticed;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#clients;
  }

  async #ask(url: string, requests: readonly LoadRequest[], first: number): Promise<void> {
    for (let i = first; !this.#stopped; i++) {
      const { path, headers, body } = requests[i % requests.length]!;
      const start = performance.now();
      for (let status = 0; status === 0; ) {
        try {
          const signal = AbortSignal.timeout(PATIENCE_MS);
          const init = { method: 'POST', headers, body: new Uint8Array(body), signal };
          const answer = await fetch(url + path, init);
          await answer.arrayBuffer();
          status = answer.status;
        } catch {
          // Whoever was with a process that died asks again.
          if (this.#stopped) return;
        }
        this.#noticed.statuses.set(status, (this.#noticed.statuses.get(status) ?? 0) + 1);
      }
      this.#noticed.requests++;
      this.#noticed.milliseconds.push(performance.now() - start);
      await sleep(PAUSE_MS);
    }
  }
}

export function addUp(all: readonly Noticed[]): Noticed {
  const sum = nothing();
  for (const { requests, statuses, milliseconds } of all) {
    sum.requests += requests;
    for (const [status, count] of statuses) sum.statuses.set(status, (sum.statuses.get(status) ?? 0) + count);
    sum.milliseconds.push(...milliseconds);
  }
  sum.milliseconds.sort((a, b) => a - b);
  return sum;
}

/** How many answers had a status from `from` on, below `to`. */
export function answersFrom({ statuses }: Noticed, from: number, to: number): number {
  return [...statuses].reduce((sum, [status, count]) => sum + (status >= from && status < to ? count : 0), 0);
}

/** Of each request until it was answered, in ms; NaN without any. */
export function latency({ milliseconds }: Noticed, fraction: number): number {
  return milliseconds.length === 0 ? Number.NaN : percentile(Float64Array.from(milliseconds), fraction);
}

const nothing = (): Noticed => ({ requests: 0, statuses: new Map(), milliseconds: [] });

/** A small PNG, a photo, lists in JSON, tensors: what is read and decoded at once, and what threads do. */
async function goodRequests(model: string): Promise<LoadRequest[]> {
  const { png, photo } = await goodPictures();
  const predict = `/predict?model=${model}`;
  const image = (type: string, body: Uint8Array): LoadRequest => ({
    path: predict,
    headers: { 'content-type': type },
    body,
    images: 1,
  });
  const json = (path: string, value: unknown): LoadRequest => ({
    ...image('application/json', Buffer.from(JSON.stringify(value))),
    path,
  });
  const list = (length: number) => ({ images: Array.from({ length }, () => png.toString('base64')) });
  const tensor = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => Math.sin(i));
  return [
    image('image/png', png),
    image('image/jpeg', photo),
    json(predict, list(4)),
    json(predict, list(32)),
    json(`/v2/models/${model}/infer`, {
      inputs: [{ name: 'input', shape: [2, 3, 32, 32], datatype: 'FP32', data: [...tensor] }],
    }),
    {
      path: `/v2/models/${model}/infer`,
      headers: { 'inference-header-content-length': '0' },
      body: new Uint8Array(tensor.buffer),
      images: 1,
    },
  ];
}
