import { readFile } from 'node:fs/promises';

/** The kernel counts in hundredths of a second, whatever its own clock. */
const TICK_MS = 10;

/**
 * CPU time that a process and its threads used so far, in milliseconds, by Linux's `/proc/PID/stat` (fields 14
 * and 15 of proc(5)); NaN elsewhere.
 */
export async function processCpuMilliseconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name, field 2, may hold anything, also spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
