import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { Request, RequestHandler } from 'express';
import { errorMessage, UserError } from '../../core/errors.ts';
import { type RunningServer, startServer } from '../../serve/server.ts';
import type { ModelFiles } from './model-files.ts';

/**
 * The inference server behind the page's comparison: started with the first question about a model, and
 * replaced when another model is asked about, so that only one is in memory.
 */
export class PredictionServers {
  /** Nobody but this process knows it: not even a page whose name means this machine may ask there. */
  readonly apiKey: string = randomUUID();
  #current: { key: string; server: Promise<RunningServer> } | undefined;

  /**
   * The address of a server of that model, without a trailing slash.
   * @param file the model's file
   * @param version changes when the file does
   * @throws UserError if the server cannot load it
   */
  async addressFor(file: string, version: string): Promise<string> {
    const key = `${file}\n${version}`;
    if (this.#current?.key !== key) {
      const previous = this.#current;
      const server = startServer({
        model: file,
        port: 0,
        host: '127.0.0.1',
        demoDirectory: false,
        access: { apiKey: this.apiKey },
        // Its JSON file may change alone.
        reloadSeconds: 2,
        inference: { workers: 1 },
      });
      this.#current = { key, server };
      void previous?.server.then((running) => running.close()).catch(() => undefined);
      // One that did not start must not be asked again.
      server.catch(() => {
        if (this.#current?.key === key) this.#current = undefined;
      });
    }
    return (await this.#current.server).url;
  }

  async close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.server.then((running) => running.close()).catch(() => undefined);
  }
}

/**
 * `POST /predict/<model>`: passes the picture on to an inference server of that model, and its answer back. Browsers
 * say when another site's page asks: it could not read the answer, but have one model after the other loaded.
 */
export function predictRoute(models: ModelFiles, servers: PredictionServers): RequestHandler {
  return async (request, response) => {
    if (request.get('sec-fetch-site') === 'cross-site') {
      response.status(403).json({ error: 'pages of other sites may not ask here' });
      return;
    }
    const name = ([] as string[]).concat(request.params.path ?? []).join('/');
    const model = await models.find(name);
    if (!model) {
      response.status(404).json({ error: `there is no model "${name}"` });
      return;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const server = await servers.addressFor(model.file, model.version);
      const query = new URL(request.originalUrl, server).search;
      const answer = await fetch(`${server}/predict${query}`, {
        method: 'POST',
        headers: {
          'content-type': request.get('content-type') ?? 'application/octet-stream',
          'x-api-key': servers.apiKey,
          ...pick(request, 'content-length', 'content-encoding'),
        },
        body: Readable.toWeb(request) as ReadableStream<Uint8Array>,
        duplex: 'half',
        signal: gone.signal,
      } as RequestInit);
      response.status(answer.status).type(answer.headers.get('content-type') ?? 'application/json');
      if (answer.body) await pipeline(Readable.fromWeb(answer.body as ReadableStream), response);
      else response.end();
    } catch (error) {
      if (response.headersSent || response.closed) {
        response.destroy();
        return;
      }
      const status = error instanceof UserError ? 422 : 502;
      response.status(status).json({ error: errorMessage(error) });
    }
  };
}

/** Those of the headers that the request has. */
function pick(request: Request, ...names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = request.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
