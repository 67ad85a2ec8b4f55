import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { errorMessage, UserError } from '../core/errors.ts';
import { loadTensorFlow, requireBinding } from '../core/tensorflow/load-tfjs.ts';
import { bfloat16Trouble } from '../train/lowering/tfjs/require-bfloat16.ts';
import type { Peers } from './contestants.ts';

const run = promisify(execFile);

/**
 * Looks for the peers.
 * @param python `--python`; else `python3` is tried
 * @returns them, and a line for each that is missing
 * @throws UserError if the Python named by `python` has no PyTorch
 */
export async function findPeers(
  python: string | undefined,
  compile: boolean,
): Promise<{ peers: Peers; versions: string[]; missing: string[] }> {
  const versions: string[] = [];
  const missing: string[] = [];
  const candidate = python ?? 'python3';
  let torch: string | undefined;
  try {
    const { stdout } = await run(candidate, ['-c', 'import torch; print(torch.__version__)']);
    torch = candidate;
    versions.push(`PyTorch ${stdout.trim()}`);
  } catch {
    if (python !== undefined) throw new UserError(`${python} has no PyTorch; pip install torch gives it`);
    missing.push('PyTorch is not compared: python3 has no torch; name one that has with --python FILE');
  }
  let tensorflow = true;
  let bfloat16 = true;
  try {
    requireBinding();
    const trouble = bfloat16Trouble(await loadTensorFlow());
    bfloat16 = trouble === undefined;
    if (!bfloat16) missing.push(`TensorFlow.js is not measured in bfloat16: ${trouble}`);
  } catch (error) {
    tensorflow = bfloat16 = false;
    missing.push(`TensorFlow.js is not compared: ${errorMessage(error)}`);
  }
  return { peers: { python: torch, tensorflow, bfloat16, compile }, versions, missing };
}
