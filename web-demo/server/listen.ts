import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type express from 'express';
import { UserError } from '../../core/errors.ts';
import { DEFAULT_LIMITS } from '../../serve/http/limits.ts';

/**
 * Starts `app` and waits until it listens.
 * @param port 0 for any free one
 * @throws UserError if the port is taken or the host is not this machine's
 */
export async function listen(
  app: express.Express,
  port: number,
  host: string,
): Promise<{ server: Server; url: string }> {
  const server = await new Promise<Server>((resolve, reject) => {
    const starting = app.listen(port, host, (error?: NodeJS.ErrnoException) => {
      if (!error) resolve(starting);
      else reject(listenError(error, port, host));
    });
  });
  server.requestTimeout = DEFAULT_LIMITS.receiveSeconds * 1000;
  const address = server.address() as AddressInfo;
  // "All addresses" is no address to open in a browser. Only localhost counts as secure without https.
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return { server, url: `http://${shown}:${address.port}/` };
}

function listenError(error: NodeJS.ErrnoException, port: number, host: string): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new UserError(`port ${port} is taken; choose another with --port`);
    case 'EACCES':
      return new UserError(`port ${port} may not be opened; choose one above 1023 with --port`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new UserError(`"${host}" is not an address of this machine; give another --host`);
    default:
      return error;
  }
}
