import { readFile } from 'node:fs/promises';

/** The most memory this process ever held in RAM at once. */
export async function peakMemoryBytes(): Promise<number> {
  // Node's maxRSS starts at the parent's size, for the kernel copies it over a fork; VmHWM does not.
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
  return 1024 * (kilobytes ? Number(kilobytes) : process.resourceUsage().maxRSS);
}
