import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../core/errors.ts';
import { createApp } from './app.ts';
import type { Limits } from './http/limits.ts';
import { InferencePool, type InferencePoolOptions } from './inference/pool.ts';
import { displayPath, findModelFile, loadServedModel, type ServedModel } from './model-file.ts';

export interface ServerOptions {
  /** A path, or a name looked up in exports/ and models/; absent: the embedded model. */
  model?: string | undefined;
  /** 0 takes any free port (default 8080). */
  port?: number;
  /** The address to listen on (default 127.0.0.1: this machine only). */
  host?: string;
  limits?: Partial<Limits>;
  /** How inference runs; see {@link InferencePoolOptions}. */
  inference?: Pick<InferencePoolOptions, 'workers' | 'threads' | 'maxBatch' | 'maxQueued' | 'workerModule'>;
  /** The built page (default web-demo/dist, if it exists); false serves none. */
  demoDirectory?: string | false;
}

export interface RunningServer {
  /** Without a trailing slash, e.g. `http://127.0.0.1:8080`. */
  url: string;
  model: ServedModel;
  /** Whether the demo page is at `/`. */
  hasDemo: boolean;
  /** Takes no more requests, finishes those accepted (for at most 10 s) and frees everything. */
  close(): Promise<void>;
}

const DEMO_DIST = fileURLToPath(new URL('../web-demo/dist', import.meta.url));
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * Starts the server; resolves once it answers predictions.
 * @throws UserError if there is no usable model, or the address cannot be listened on
 */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const model = await loadServedModel(await findModelFile(options.model));
  const demo = options.demoDirectory ?? DEMO_DIST;
  const hasDemo = demo !== false && existsSync(join(demo, 'index.html'));
  let pool: InferencePool | undefined;
  const app = createApp({
    model,
    pool: () => pool,
    limits: options.limits ?? {},
    demoDirectory: hasDemo ? demo : undefined,
  });
  const server = createServer(app);
  // Listen first: a port in use is found at once, and a health check sees 503 while the model loads.
  const url = await listen(server, options.host ?? '127.0.0.1', options.port ?? 8080);
  try {
    pool = await InferencePool.start({
      model: model.bytes,
      height: model.metadata.inputHeight,
      width: model.metadata.inputWidth,
      classes: model.metadata.labels.length,
      ...options.inference,
    });
  } catch (error) {
    await closeHttp(server);
    throw error instanceof UserError ? new UserError(`${displayPath(model.path)}: ${error.message}`) : error;
  }
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await closeHttp(server);
    await pool?.close();
  };
  return {
    url,
    model,
    hasDemo,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen(port, host, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${actual}`;
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
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
async function closeHttp(server: Server): Promise<void> {
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
