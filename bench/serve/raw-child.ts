/** A process that runs a model with onnxruntime alone, when it is told to. */
import { readFile } from 'node:fs/promises';
import { openSession, Tensor } from '../../core/runtime/session.ts';

export interface RawTask {
  batch: number;
  seconds: number;
}
export interface RawResult {
  images: number;
  seconds: number;
  milliseconds: number[];
  /** CPU time of all threads. */
  cpuMilliseconds: number;
}

const [path, threads, height, width] = process.argv.slice(2);
const size = 3 * Number(height) * Number(width);
const session = await openSession(new Uint8Array(await readFile(path!)), {
  threads: Number(threads),
  logSeverityLevel: 3,
});
process.on('message', async ({ batch, seconds }: RawTask) => {
  const values = Float32Array.from({ length: batch * size }, (_, i) => Math.sin(i));
  const feed = { input: new Tensor('float32', values, [batch, 3, Number(height), Number(width)]) };
  await session.run(feed);
  const milliseconds: number[] = [];
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    const before = performance.now();
    await session.run(feed);
    milliseconds.push(performance.now() - before);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const result: RawResult = {
    images: batch * milliseconds.length,
    seconds: (performance.now() - start) / 1000,
    milliseconds,
    cpuMilliseconds: (user + system) / 1000,
  };
  process.send!(result);
});
process.send!('ready');
