import { Pool } from 'undici';
import type { LoadRequest } from './load.ts';

/** Sends requests, good and bad, over a few connections; what the answers are is not looked at. */
export async function sendMixed(
  url: string,
  requests: readonly LoadRequest[],
  count: number,
  connections: number,
): Promise<void> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < count) {
      const { path, headers, body } = requests[next++ % requests.length]!;
      const answer = await pool.request({ method: 'POST', path, headers, body });
      await answer.body.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  await pool.close();
}
