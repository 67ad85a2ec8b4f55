import {
  createServer,
  IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Express } from 'express';

/** Requests that may come on a connection while one before them is answered; more end it. */
const MAX_PIPELINED = 64;

/**
 * A server whose requests and responses are made with the app's own prototypes. Express sets these on each that
 * it is handed, and V8 handles an object slowly, for as long as it lives, once its prototype was changed: without
 * this a small request takes twice the time. Setting the prototype that an object already has does nothing.
 * The requests of a connection are begun one after the other.
 */
export function createAppServer(app: Express, options: ServerOptions): Server {
  class AppRequest extends IncomingMessage {}
  class AppResponse extends ServerResponse {}
  Object.setPrototypeOf(AppRequest.prototype, app.request);
  Object.setPrototypeOf(AppResponse.prototype, app.response);
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype });
  return createServer(
    { ...options, IncomingMessage: AppRequest, ServerResponse: AppResponse } as ServerOptions,
    oneByOne(app),
  );
}

/**
 * Begins a request when the one before it on its connection is answered. Node begins all that have come, a thousand
 * in one piece of the stream, before anybody else gets a turn.
 */
function oneByOne(app: RequestListener): RequestListener {
  const waiting = new WeakMap<Socket, (() => void)[]>();
  return (req, res) => {
    const { socket } = req;
    if (socket.destroyed) return;
    const begin = (): void => {
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
