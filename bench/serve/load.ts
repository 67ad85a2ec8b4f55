import autocannon from 'autocannon';

/** A request to send, and how many images are in it. */
export interface LoadRequest {
  path: string;
  headers: Record<string, string>;
  body: Uint8Array;
  images: number;
}

export interface LoadResult {
  images: number;
  seconds: number;
  /** Of each request, ascending. */
  milliseconds: Float64Array;
  /** Requests that were not answered with 200. */
  failed: number;
  /** CPU time that sending and receiving took, in milliseconds. */
  cpuMilliseconds: number;
}

/**
 * Sends requests over kept-alive connections, one under way on each, with autocannon.
 * @param requests sent in order, again from the first, `count` in all
 * @param connections at most; no more than `count` are opened
 */
export async function sendLoad(
  url: string,
  requests: readonly LoadRequest[],
  count: number,
  connections: number,
): Promise<LoadResult> {
  const clients = Math.min(connections, count);
  const turn = Array.from({ length: count }, (_, i) => requests[i % requests.length]!);
  const milliseconds: number[] = [];
  let failed = 0;
  let opened = 0;
  let before = process.cpuUsage();
  let start = performance.now();
  let end = start;
  await new Promise<void>((resolve, reject) => {
    const load = autocannon(
      {
        url,
        connections: clients,
        amount: count,
        setupClient: (client) => {
          // Each connection has its own share, so that no request is sent twice.
          const place = opened++;
          const share = turn.filter((_, i) => i % clients === place);
          client.setRequests(
            share.map(({ path, headers, body }) => ({
              method: 'POST',
              path,
              headers,
              body: Buffer.from(body),
            })),
          );
          if (opened < clients) return;
          // What was made ready so far is not part of the load.
          before = process.cpuUsage();
          start = performance.now();
        },
      },
      (error, { errors, timeouts }) => {
        failed += errors + timeouts;
        if (error) reject(error);
        else resolve();
      },
    );
    load.on('response', (_client, status, _bytes, time) => {
      milliseconds.push(time);
      if (status !== 200) failed++;
      end = performance.now();
    });
  });
  const { user, system } = process.cpuUsage(before);
  return {
    images: turn.reduce((sum, { images }) => sum + images, 0),
    seconds: (end - start) / 1000,
    milliseconds: Float64Array.from(milliseconds).sort(),
    failed,
    cpuMilliseconds: (user + system) / 1000,
  };
}
