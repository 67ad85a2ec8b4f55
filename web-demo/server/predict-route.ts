import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { RequestHandler } from 'express';
import { errorMessage, UserError } from '../../core/errors.ts';
import type { ModelFiles } from './model-files.ts';
import type { PredictionServers } from './prediction-servers.ts';

/** `POST /predict/<model>`: passes the picture on to an inference server of that model, and its answer back. */
export function predictRoute(models: ModelFiles, servers: PredictionServers): RequestHandler {
  return async (request, response) => {
    const name = ([] as string[]).concat(request.params.path ?? []).join('/');
    const model = await models.find(name);
    if (!model) {
      response.status(404).json({ error: `there is no model "${name}"` });
      return;
    }
    try {
      const server = await servers.addressFor(model.file, model.version);
      const query = new URL(request.originalUrl, server).search;
      const answer = await fetch(`${server}/predict${query}`, {
        method: 'POST',
        headers: { 'content-type': request.get('content-type') ?? 'application/octet-stream' },
        body: Readable.toWeb(request) as ReadableStream<Uint8Array>,
        duplex: 'half',
      } as RequestInit);
      response.status(answer.status).type(answer.headers.get('content-type') ?? 'application/json');
      if (answer.body) await pipeline(Readable.fromWeb(answer.body as ReadableStream), response);
      else response.end();
    } catch (error) {
      if (response.headersSent) throw error;
      const status = error instanceof UserError ? 422 : 502;
      response.status(status).json({ error: errorMessage(error) });
    }
  };
}
