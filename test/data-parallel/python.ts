import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCRIPTS = new URL('../../docs/data-parallel/', import.meta.url);

/** What the scripts of docs/data-parallel import. */
const PACKAGES = ['numpy', 'onnxruntime', 'safetensors', 'torch'];

/** A Python that can run the scripts (the environment's PYTHON, else python3), or why there is none. */
export async function findPython(
  more: readonly string[] = [],
): Promise<{ path: string } | { reason: string }> {
  const path = process.env.PYTHON || 'python3';
  const names = JSON.stringify([...PACKAGES, ...more]);
  const code = `import importlib.util as u; print(*[n for n in ${names} if not u.find_spec(n)])`;
  try {
    const missing = (await run(path, ['-c', code])).stdout.trim();
    return missing === '' ? { path } : { reason: `${path} lacks ${missing}; PYTHON names another` };
  } catch {
    return { reason: `there is no ${path}; PYTHON names one with ${[...PACKAGES, ...more].join(', ')}` };
  }
}

/**
 * Runs a script of docs/data-parallel in several processes on this machine, each with one thread.
 * @returns what it printed
 * @throws Error with its errors if it fails
 */
export async function torchrun(
  python: string,
  processes: number,
  script: 'train.py' | 'pytorch_ddp.py',
  args: readonly string[],
): Promise<string> {
  const launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', String(processes)];
  const { stdout } = await run(python, [...launch, fileURLToPath(new URL(script, SCRIPTS)), ...args], {
    // Two GPUs would be needed for two processes, and the comparison is of what a CPU computes.
    env: { ...process.env, OMP_NUM_THREADS: '1', CUDA_VISIBLE_DEVICES: '' },
    maxBuffer: 2 ** 24,
  });
  return stdout;
}

/** The versions of the packages that compute. */
export async function versions(python: string): Promise<Record<string, string>> {
  const code =
    'import importlib.metadata as m, json; print(json.dumps({n: m.version(n) for n in ["onnxruntime", "torch"]}))';
  return JSON.parse((await run(python, ['-c', code])).stdout) as Record<string, string>;
}
