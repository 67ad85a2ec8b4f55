/**
 * A server in a process of its own that says how much memory it holds: `measured-server.ts MODEL [LEAK]`, run
 * with --expose-gc. LEAK bytes are kept of every request, to show that a leak is seen.
 */
import { subscribe } from 'node:diagnostics_channel';
import { setImmediate as soon } from 'node:timers/promises';
import { startServer } from '../../../serve/server.ts';

/** What it sends when it is asked, whatever the question. */
export interface HeldMemory {
  rss: number;
  /** The heap and the buffers outside it. */
  heap: number;
}

const [model, leak = '0'] = process.argv.slice(2);
const kept: Buffer[] = [];
if (Number(leak) > 0) subscribe('http.server.request.start', () => kept.push(Buffer.alloc(Number(leak))));
const { url } = await startServer({ model, port: 0, inference: { threads: 1 }, demoDirectory: false });

process.on('message', async () => {
  // Buffers are freed after the objects that hold them, and those of closed connections in later turns.
  for (let i = 0; i < 3; i++) {
    gc!();
    await soon();
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send!({ rss, heap: heapUsed + external } satisfies HeldMemory);
});
process.on('disconnect', () => process.exit());
process.send!(url);
