import { findProgram, runProgram } from './programs.ts';

/** An NVIDIA GPU as its driver describes it. */
export interface Gpu {
  name: string;
  driver: string;
  memoryMb: number;
}

/** The NVIDIA GPUs; none where there is no driver. */
export async function readGpus(): Promise<Gpu[]> {
  const program = findProgram('nvidia-smi');
  if (program === undefined) return [];
  const query = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader,nounits'];
  const { status, stdout } = await runProgram(program, query, { timeoutMs: 20_000 });
  return status === 0 ? parseGpus(stdout) : [];
}

/** Parses nvidia-smi's CSV of name, driver version and memory in MiB. */
export function parseGpus(csv: string): Gpu[] {
  return csv.split('\n').flatMap((line) => {
    const [name, driver, memory] = line.split(', ');
    return name && driver && memory ? [{ name, driver, memoryMb: Number(memory) }] : [];
  });
}
