import { Pool } from 'undici';

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
}

/**
 * Sends requests over kept-alive connections, one under way on each.
 * @param requests sent in order, again from the first, `count` in all
 */
export async function sendLoad(
  url: string,
  requests: readonly LoadRequest[],
  count: number,
  connections: number,
): Promise<LoadResult> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const milliseconds = new Float64Array(count);
  let next = 0;
  let images = 0;
  let failed = 0;
  const client = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const { path, headers, body, images: held } = requests[index % requests.length]!;
      const start = performance.now();
      const answer = await pool.request({ method: 'POST', path, headers, body });
      await answer.body.arrayBuffer();
      milliseconds[index] = performance.now() - start;
      if (answer.statusCode === 200) images += held;
      else failed++;
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: connections }, client));
  const seconds = (performance.now() - start) / 1000;
  await pool.close();
  return { images, seconds, milliseconds: milliseconds.sort(), failed };
}
