import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';

export interface RangeServer {
  url: string;
  /** The `Range` header of each request so far, undefined where there was none. */
  ranges: (string | undefined)[];
  /** The next request's connection is cut after so many bytes of body. */
  cutNextAfter: number | undefined;
  /** Whether Range requests are honoured; true at first. */
  honourRange: boolean;
  /** Replaces what is served. */
  body: Buffer;
}

/** Serves one file at `/archive.tar.gz` on a free local port until the test file is done; 404 elsewhere. */
export async function startRangeServer(body: Buffer): Promise<RangeServer> {
  const state: RangeServer = { url: '', ranges: [], cutNextAfter: undefined, honourRange: true, body };
  const server = createServer((request: IncomingMessage, response) => {
    if (request.url !== '/archive.tar.gz') {
      response.writeHead(404).end('not here');
      return;
    }
    const { range } = request.headers;
    state.ranges.push(range);
    const size = state.body.length;
    const start = state.honourRange && range !== undefined ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : 0;
    if (start >= size) {
      response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
      return;
    }
    const rest = state.body.subarray(start);
    const headers: Record<string, string | number> = { 'content-length': rest.length };
    if (start > 0) headers['content-range'] = `bytes ${start}-${size - 1}/${size}`;
    response.writeHead(start > 0 ? 206 : 200, headers);
    const cut = state.cutNextAfter;
    state.cutNextAfter = undefined;
    if (cut === undefined) response.end(rest);
    // A moment later, so that the client has had the chance to take what was sent.
    else response.write(rest.subarray(0, cut), () => setTimeout(() => response.destroy(), 150));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  after(() => server.closeAllConnections());
  after(() => server.close());
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/archive.tar.gz`;
  return state;
}
