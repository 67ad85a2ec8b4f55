import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first of the programs that is on the PATH, with its folder; undefined if none is. */
export function findProgram(...names: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const name of names) {
    if (name.includes('/')) {
      if (isProgram(name)) return name;
      continue;
    }
    const folder = folders.find((candidate) => isProgram(join(candidate, name)));
    if (folder !== undefined) return join(folder, name);
  }
  return undefined;
}

export interface Output {
  /** Exit status; undefined if the program could not be started, was killed, or took too long. */
  status: number | undefined;
  signal: NodeJS.Signals | undefined;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end and returns what it wrote. Never throws. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { timeoutMs?: number; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Output> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      {
        timeout: options.timeoutMs ?? 0,
        cwd: options.cwd,
        env: options.env ?? process.env,
        maxBuffer: 256 * 2 ** 20,
      },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
        resolve({ status, signal: error?.signal ?? undefined, stdout, stderr });
      },
    );
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

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
