import { execFile } from 'node:child_process';
import { listSupportedBackends } from 'onnxruntime-node';
import { processArguments } from '../../../core/workers/thread.ts';
import type { TrainingPrecision } from '../../precision.ts';
import { PROVIDERS, type Provider } from './providers.ts';

const CHILD = new URL('./probe-child.ts', import.meta.url);
/** A driver may compile its shaders first. */
const TIMEOUT_MS = 120_000;

/** What the child process answers; without an error, the provider works. */
export interface ProbeAnswer {
  error?: string;
}

/** Providers that this build of onnxruntime-node knows; they may lack a library or a device all the same. */
export function providersOfBuild(): Provider[] {
  const names = listSupportedBackends().map(({ name }) => name);
  return names.filter((name): name is Provider => Object.hasOwn(PROVIDERS, name));
}

/**
 * Finds out whether an execution provider works here, by a matrix product in a process of its own: a missing
 * library or a broken driver writes to stderr, or ends the process.
 * @returns undefined if it does, else why not, in a few words
 */
export async function probeProvider(
  provider: Provider,
  precision: TrainingPrecision = 'fp32',
): Promise<string | undefined> {
  if (!providersOfBuild().includes(provider)) {
    return `onnxruntime-node for ${process.platform} ${process.arch} is built without it`;
  }
  return new Promise((resolve) => {
    const args = [...processArguments(CHILD), provider, precision];
    execFile(process.execPath, args, { timeout: TIMEOUT_MS }, (error, stdout) => {
      const last = stdout.trimEnd().split('\n').at(-1)!;
      if (last.startsWith('{')) resolve((JSON.parse(last) as ProbeAnswer).error);
      else if (error?.killed) resolve(`it did not answer in ${TIMEOUT_MS / 1000} s`);
      else resolve(`it ended the process with ${error?.signal ?? `exit code ${error?.code}`}`);
    });
  });
}
