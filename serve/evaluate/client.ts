import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageDataset, ImageSplit } from '../../core/data/dataset.ts';
import { errorMessage, UserError } from '../../core/errors.ts';
import type { ModelDescription } from '../models/describe-model.ts';

const TIMEOUT_MS = 120_000;

/** How a test set is sent if nothing is said: images in one request, requests under way at a time. */
export const DEFAULT_BATCH_SIZE = 64;
export const DEFAULT_CONCURRENCY = 2;

export interface ClientOptions {
  /** The model to ask, `NAME` or `NAME@VERSION`; the server's default if absent. */
  model?: string | undefined;
  /** Sent as a bearer token. */
  apiKey?: string | undefined;
  /** How long a server that stopped answering is waited for (default 60). */
  patienceSeconds?: number | undefined;
}

/** One element of a `/predict` list answer. */
export type ListedResult = { predictions: { index: number; probability: number }[] } | { error: string };

/**
 * A client of one inference server, which retries what may pass: lost connections, timeouts, 429 and 5xx. Once
 * the server answered, it is also waited for when it is gone: it may be restarting.
 */
export class InferenceClient {
  /** Without a trailing slash. */
  readonly url: string;
  /** Attempts that were made again. */
  retries = 0;
  readonly #options: ClientOptions;
  #answered = false;

  /** @throws UserError if it is not an http(s) address */
  constructor(url: string, options: ClientOptions = {}) {
    this.#options = options;
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (!parsed || !/^https?:$/.test(parsed.protocol)) {
      throw new UserError(`"${url}" is not the address of a server; give one like http://127.0.0.1:8080`);
    }
    this.url = `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, '');
  }

  /** What the server serves. @throws UserError if it cannot be reached or is another kind of server */
  async model(): Promise<ModelDescription> {
    const { model } = this.#options;
    const path = model === undefined ? '/model' : `/models/${encodeURIComponent(model)}`;
    const body = (await this.#request(path, () => ({}))) as Partial<ModelDescription> | null;
    if (typeof body?.name !== 'string' || typeof body.dataset !== 'string' || !Array.isArray(body.labels)) {
      throw new UserError(
        `${this.url} does not answer ${path} as an inference server does; check the address`,
      );
    }
    return body as ModelDescription;
  }

  /**
   * Classifies images in one multipart request.
   * @param files encoded images
   * @returns a result for each, in order
   * @throws UserError if the server refuses the request or keeps failing
   */
  async predict(files: readonly Uint8Array<ArrayBuffer>[], topk: number): Promise<ListedResult[]> {
    const body = (await this.#request(`/predict?${this.#query(topk)}`, () => {
      const form = new FormData();
      // The plural field: the answer is a list even for a single image.
      files.forEach((file, i) => {
        form.append('images', new Blob([file], { type: 'image/png' }), `${i}.png`);
      });
      return { method: 'POST', body: form };
    })) as { results?: ListedResult[] } | null;
    if (body?.results?.length !== files.length) {
      throw new UserError(
        `${this.url} gave ${body?.results?.length ?? 'no'} results for ${files.length} images`,
      );
    }
    return body.results;
  }

  #query(topk: number): URLSearchParams {
    const { model } = this.#options;
    return new URLSearchParams({ topk: String(topk), ...(model !== undefined && { model }) });
  }

  /** @param init made anew for each attempt, as a body can be sent once only */
  #request(path: string, init: () => RequestInit): Promise<unknown> {
    return retry(
      () => this.#attempt(path, init()),
      (this.#options.patienceSeconds ?? 60) * 1000,
      () => {
        this.retries++;
      },
      ({ message }) => new UserError(message),
    );
  }

  async #attempt(path: string, init: RequestInit): Promise<{ value: unknown } | Failure> {
    const { apiKey } = this.#options;
    const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.url + path, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
      text = await response.text();
    } catch (error) {
      return this.#unreachable(error);
    }
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = undefined;
    }
    if (response.ok) {
      this.#answered = true;
      if (body !== undefined) return { value: body };
      return { message: `${this.url}${path} did not answer with JSON; check the address`, retry: false };
    }
    const reason = (body as { error?: unknown } | undefined)?.error ?? response.statusText;
    return {
      message: `${this.url} answered ${response.status}: ${String(reason)}`,
      retry: response.status >= 500 || response.status === 429,
      retryAfter: Number(response.headers.get('retry-after')) || undefined,
    };
  }

  #unreachable(error: unknown): Failure {
    // fetch hides the reason ("fetch failed") in `cause`.
    const cause = (error as { cause?: NodeJS.ErrnoException }).cause;
    if (cause?.code === 'ECONNREFUSED') {
      return {
        message: `no server answers at ${this.url}; start one with npm run serve`,
        retry: this.#answered,
      };
    }
    if (cause?.code === 'ENOTFOUND') {
      return { message: `there is no host for ${this.url}; check the address`, retry: false };
    }
    const reason = cause?.code ?? errorMessage(cause ?? error);
    return { message: `${this.url} cannot be reached (${reason}); is it a running server?`, retry: true };
  }
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 5000;

/** Why an attempt failed, and whether another may succeed. */
interface Failure {
  message: string;
  retry: boolean;
  /** How long the server asks to wait, in seconds. */
  retryAfter?: number | undefined;
}

/**
 * Attempts until one succeeds, cannot, or `patienceMs` are over; waits twice as long after each failure, up to
 * 5 s, and a little at random so that clients do not come back all at once.
 * @param onRetry told of each further attempt
 * @throws what `giveUp` makes of the last failure
 */
async function retry<T>(
  attempt: () => Promise<{ value: T } | Failure>,
  patienceMs: number,
  onRetry: () => void,
  giveUp: (failure: Failure) => Error,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(2 * delay, LONGEST_DELAY_MS)) {
    const outcome = await attempt();
    if ('value' in outcome) return outcome.value;
    const wait = Math.max(delay, (outcome.retryAfter ?? 0) * 1000) * (0.8 + 0.4 * Math.random());
    if (!outcome.retry || performance.now() + wait > end) throw giveUp(outcome);
    onRetry();
    await sleep(wait);
  }
}

/**
 * One image of a split as a PNG file, lossless.
 * @param split images channel-planar, [count, 3, height, width]
 */
export async function encodePng(
  split: ImageSplit,
  index: number,
  { height, width }: Pick<ImageDataset, 'height' | 'width'>,
): Promise<Uint8Array<ArrayBuffer>> {
  const pixels = height * width;
  const planar = split.images.subarray(index * 3 * pixels, (index + 1) * 3 * pixels);
  const interleaved = new Uint8Array(3 * pixels);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < 3; c++) interleaved[p * 3 + c] = planar[c * pixels + p]!;
  }
  // The lightest compression: these files live for one request.
  // Loaded here: a command that only says what it can do needs none.
  const { default: sharp } = await import('sharp');
  const png = await sharp(interleaved, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
  return new Uint8Array(png.buffer as ArrayBuffer, png.byteOffset, png.byteLength);
}
