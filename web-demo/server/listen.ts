import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type express from 'express';
import { listen as listenOn } from '../../serve/http/http-server.ts';
import type { TlsFiles } from '../../serve/http/https.ts';
import { DEFAULT_LIMITS } from '../../serve/http/limits.ts';

/**
 * Starts `app` and waits until it listens.
 * @param port 0 for any free one
 * @param tls with it the server speaks https
 * @throws UserError if the port is taken or the host is not this machine's
 */
export async function listen(
  app: express.Express,
  port: number,
  host: string,
  tls?: TlsFiles,
): Promise<{ server: Server; url: string }> {
  const limits = { requestTimeout: DEFAULT_LIMITS.receiveSeconds * 1000 };
  const server = tls
    ? createTlsServer({ ...limits, cert: tls.cert, key: tls.key }, app)
    : createServer(limits, app);
  const url = await listenOn(server, host, port);
  // "All addresses" is no address to open in a browser. Only localhost counts as secure without https.
  return { server, url: `${url.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:)/, '//localhost')}/` };
}
