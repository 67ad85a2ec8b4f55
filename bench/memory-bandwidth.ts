import { alternate } from './alternate.ts';
import { MeasuredProcess } from './child-process.ts';
import { script } from './contestants.ts';

/** 128 MB a vector: beyond the caches of servers too. */
const LENGTH = 2 ** 25;
/** Two are read, one is written. */
const BYTES = 3 * 4 * LENGTH;

/**
 * How fast memory is, in GB/s, measured by adding long vectors (the STREAM benchmark's way).
 * @param seconds about how long a turn may take; 0.3 are enough
 */
export async function measureBandwidth(threads: number, seconds: number): Promise<number> {
  const setup = { model: String(LENGTH), batchSize: 1, threads };
  const child = await MeasuredProcess.start('memory', script('./children/stream.ts'), setup);
  try {
    const [measured] = await alternate([child], { rounds: 5, secondsPerTurn: Math.min(0.3, seconds) });
    return (measured!.rate * BYTES) / 1e9;
  } finally {
    child.kill();
  }
}
