import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage, UserError } from '../../core/errors.ts';
import type { ModelDescription } from '../predict/describe-model.ts';

const ATTEMPTS = 4;
const FIRST_DELAY_MS = 250;
const TIMEOUT_MS = 120_000;

/** One element of a `/predict` list answer. */
export type ListedResult = { predictions: { index: number; probability: number }[] } | { error: string };

/** A client of one inference server, which retries what may pass: lost connections, timeouts and 5xx. */
export class InferenceClient {
  /** Without a trailing slash. */
  readonly url: string;

  /** @throws UserError if it is not an http(s) address */
  constructor(url: string) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (!parsed || !/^https?:$/.test(parsed.protocol)) {
      throw new UserError(`"${url}" is not the address of a server; give one like http://127.0.0.1:8080`);
    }
    this.url = `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, '');
  }

  /** What the server serves. @throws UserError if it cannot be reached or is another kind of server */
  async model(): Promise<ModelDescription> {
    const body = (await this.#request('/model', () => ({}))) as Partial<ModelDescription> | null;
    if (typeof body?.name !== 'string' || typeof body.dataset !== 'string' || !Array.isArray(body.labels)) {
      throw new UserError(
        `${this.url} does not answer /model as an inference server does; check the address`,
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
    const body = (await this.#request(`/predict?topk=${topk}`, () => {
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

  /** @param init made anew for each attempt, as a body can be sent once only */
  async #request(path: string, init: () => RequestInit): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#attempt(path, init());
      if ('body' in failure) return failure.body;
      if (!failure.retry || attempt === ATTEMPTS) throw new UserError(failure.message);
      await sleep(FIRST_DELAY_MS * 2 ** (attempt - 1));
    }
  }

  async #attempt(
    path: string,
    init: RequestInit,
  ): Promise<{ body: unknown } | { message: string; retry: boolean }> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.url + path, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
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
      if (body !== undefined) return { body };
      return { message: `${this.url}${path} did not answer with JSON; check the address`, retry: false };
    }
    const reason = (body as { error?: unknown } | undefined)?.error ?? response.statusText;
    return {
      message: `${this.url} answered ${response.status}: ${String(reason)}`,
      retry: response.status >= 500 || response.status === 429,
    };
  }

  #unreachable(error: unknown): { message: string; retry: boolean } {
    // fetch hides the reason ("fetch failed") in `cause`.
    const cause = (error as { cause?: NodeJS.ErrnoException }).cause;
    if (cause?.code === 'ECONNREFUSED') {
      return { message: `no server answers at ${this.url}; start one with npm run serve`, retry: false };
    }
    if (cause?.code === 'ENOTFOUND') {
      return { message: `there is no host for ${this.url}; check the address`, retry: false };
    }
    const reason = cause?.code ?? errorMessage(cause ?? error);
    return { message: `${this.url} cannot be reached (${reason}); is it a running server?`, retry: true };
  }
}
