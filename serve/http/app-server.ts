import { createServer, IncomingMessage, type Server, type ServerOptions, ServerResponse } from 'node:http';
import type { Express } from 'express';

/**
 * A server whose requests and responses are made with the app's own prototypes. Express sets these on each that
 * it is handed, and V8 handles an object slowly, for as long as it lives, once its prototype was changed: without
 * this a small request takes twice the time. Setting the prototype that an object already has does nothing.
 */
export function createAppServer(app: Express, options: ServerOptions): Server {
  class AppRequest extends IncomingMessage {}
  class AppResponse extends ServerResponse {}
  Object.setPrototypeOf(AppRequest.prototype, app.request);
  Object.setPrototypeOf(AppResponse.prototype, app.response);
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype });
  return createServer(
    { ...options, IncomingMessage: AppRequest, ServerResponse: AppResponse } as ServerOptions,
    app,
  );
}
