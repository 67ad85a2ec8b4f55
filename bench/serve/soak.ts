/**
 * Sends good, bad and cut-off requests to a server for a long time and watches its memory, which must not grow.
 * `tsx bench/serve/soak.ts [REQUESTS]`; default 50000.
 */
import { fileURLToPath } from 'node:url';
import { runMain } from '../../core/cli/main.ts';
import { startServerProcess } from './child.ts';
import { cutConnection, hostileRequests } from './hostile-requests.ts';
import { type MemorySample, memorySlope } from './memory-slope.ts';
import { readMetrics } from './read-metrics.ts';
import { sendMixed } from './send-mixed.ts';

const ROUND = 1000;

await runMain(async () => {
  const total = Number(process.argv[2] ?? 50_000);
  const server = await startServerProcess(process.execPath, [
    ...['--import', 'tsx', fileURLToPath(new URL('../../serve/cli.ts', import.meta.url))],
    ...['--port', '0', '--log-level', 'error'],
  ]);
  try {
    const requests = await hostileRequests();
    const samples: MemorySample[] = [];
    let cut = 0;
    for (let sent = 0; sent < total; sent += ROUND) {
      await sendMixed(server.url, requests, ROUND, 16);
      for (let i = 0; i < 10; i++, cut++) await cutConnection(server.url, requests[i % requests.length]!);
      samples.push({ requests: sent + ROUND, ...(await readMemory(server.url)) });
      const { rss, heap } = samples.at(-1)!;
      process.stderr.write(
        `${sent + ROUND} requests: rss ${megabytes(rss)} MB, heap ${megabytes(heap)} MB\n`,
      );
    }
    const { rssPerRequest, heapPerRequest } = memorySlope(samples);
    process.stdout.write(
      `${total} requests and ${cut} cut connections: ${rssPerRequest.toFixed(0)} bytes of resident memory and ` +
        `${heapPerRequest.toFixed(0)} bytes of heap a request over the second half\n`,
    );
  } finally {
    await server.stop();
  }
});

async function readMemory(url: string): Promise<{ rss: number; heap: number }> {
  const read = await readMetrics(url);
  return { rss: read('process_resident_memory_bytes'), heap: read('nodejs_heap_size_used_bytes') };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
