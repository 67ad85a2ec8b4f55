import {
  createServer,
  IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Express } from 'express';
import { UserError } from '../../core/errors.ts';
import type { TlsFiles } from './https.ts';

/** Requests that may come on a connection while one before them is answered; more end it. */
const MAX_PIPELINED = 64;

/**
 * A server whose requests and responses are made with the app's own prototypes. Express sets these on each that
 * it is handed, and V8 handles an object slowly, for as long as it lives, once its prototype was changed: without
 * this a small request takes twice the time. Setting the prototype that an object already has does nothing.
 * The requests of a connection are begun one after the other.
 * @param isClosing whether it is about to stop: each answer then says that it is its connection's last, so that clients
 *   do not send on one that is closed under them
 * @param tls with it the server speaks https
 */
export function createAppServer(
  app: Express,
  options: ServerOptions,
  isClosing: () => boolean,
  tls?: TlsFiles,
): Server {
  class AppRequest extends IncomingMessage {}
  class AppResponse extends ServerResponse {}
  Object.setPrototypeOf(AppRequest.prototype, app.request);
  Object.setPrototypeOf(AppResponse.prototype, app.response);
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype });
  const all = { ...options, IncomingMessage: AppRequest, ServerResponse: AppResponse } as ServerOptions;
  const listener = oneByOne(app, isClosing);
  if (!tls) return createServer(all, listener);
  return createTlsServer({ ...all, cert: tls.cert, key: tls.key }, listener);
}

/**
 * Begins a request when the one before it on its connection is answered. Node begins all that have come, a thousand
 * in one piece of the stream, before anybody else gets a turn.
 */
function oneByOne(app: RequestListener, isClosing: () => boolean): RequestListener {
  const waiting = new WeakMap<Socket, (() => void)[]>();
  return (req, res) => {
    const { socket } = req;
    if (socket.destroyed) return;
    const begin = (): void => {
      if (isClosing()) res.shouldKeepAlive = false;
      res.once('close', () => {
        const next = socket.destroyed ? undefined : waiting.get(socket)?.shift();
        if (next) next();
        else waiting.delete(socket);
      });
      app(req, res);
    };
    const others = waiting.get(socket);
    if (others === undefined) {
      waiting.set(socket, []);
      begin();
    } else if (others.length < MAX_PIPELINED) others.push(begin);
    else socket.destroy();
  };
}

const CLOSE_TIMEOUT_MS = 30_000;

/**
 * @returns the server's URL, without a trailing slash
 * @throws UserError if the address cannot be listened on
 */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: 1024 }, resolve);
  }).catch((error: NodeJS.ErrnoException) => {
    throw listenError(error, host, port);
  });
  const { port: actual } = server.address() as AddressInfo;
  const scheme = server instanceof TlsServer ? 'https' : 'http';
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${actual}`;
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'ERR_SOCKET_BAD_PORT':
      return new UserError(`a port is a whole number from 0 to 65535, not ${port}`);
    case 'EADDRINUSE':
      return new UserError(`port ${port} on ${host} is in use; choose another with --port`);
    case 'EACCES':
      return new UserError(`port ${port} needs privileges; choose one above 1023 with --port`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UserError(`${host} is not an address of this machine; choose another with --host`);
    default:
      return error;
  }
}

/** Waits for the requests under way; connections kept alive between requests are closed as they fall idle. */
export async function closeHttp(server: Server): Promise<void> {
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  try {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  } finally {
    clearInterval(idle);
    clearTimeout(deadline);
  }
}
