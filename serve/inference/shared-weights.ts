import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processIsAlive } from '../../core/fs/atomic-write.ts';
import { type InferenceSession, openSession, type SessionOptions } from '../../core/runtime/session.ts';

const MODEL_FILE = 'model.onnx';
const WEIGHTS_FILE = 'weights.bin';

/**
 * Opens a session that shares its weights with the other sessions that were given the same folder. The first
 * one writes the model there as onnxruntime optimised it for this processor, weights in a file of their own;
 * all map that file into memory, which therefore holds it once, and start without optimising again.
 * Where nothing can be written, each has weights of its own.
 * @param model the ONNX file's bytes
 * @throws Error if onnxruntime cannot load the model
 */
export async function openShared(
  model: SharedArrayBuffer,
  sharedFolder: string,
  threads: number,
): Promise<InferenceSession> {
  const options: SessionOptions = {
    threads,
    // Threads of an operator spin between the parts of a run, for waking them takes as long as a small layer,
    // but not after it: the main thread wants the cores.
    config: { force_spinning_stop: '1', intra_op: { allow_spinning: '1' } },
  };
  const shared = join(sharedFolder, 'optimized');
  const openWritten = () =>
    openSession(join(shared, MODEL_FILE), { ...options, graphOptimizationLevel: 'disabled' });
  try {
    return await openWritten();
  } catch {
    // Nobody wrote it yet.
  }
  // onnxruntime takes no shared memory; the copy is freed with the session.
  const bytes = new Uint8Array(new Uint8Array(model));
  try {
    await writeOptimized(bytes, sharedFolder, shared);
    return await openWritten();
  } catch {
    return openSession(bytes, options);
  }
}

async function writeOptimized(bytes: Uint8Array, sharedFolder: string, to: string): Promise<void> {
  const folder = await mkdtemp(join(sharedFolder, 'writing-'));
  try {
    const session = await openSession(bytes, {
      optimizedModelFilePath: join(folder, MODEL_FILE),
      config: {
        optimized_model_external_initializers_file_name: WEIGHTS_FILE,
        optimized_model_external_initializers_min_size_in_bytes: '1024',
      },
    });
    await session.release();
    await rename(folder, to);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const PREFIX = 'onnx-classifier-weights-';
/** A folder's name, with the number of the process that made it. */
const NAME = new RegExp(`^${PREFIX}(\\d+)-\\w+$`);
const ours = new Set<string>();

/**
 * Makes a temporary folder of this process, and removes those of processes that were killed before they could.
 * @returns its path; of a folder that does not exist, where none can be made
 */
export function makeSharedFolder(): string {
  const parent = tmpdir();
  try {
    for (const name of readdirSync(parent)) {
      const [, pid] = NAME.exec(name) ?? [];
      if (pid !== undefined && !ours.has(join(parent, name)) && !isOther(Number(pid)))
        remove(join(parent, name));
    }
    const folder = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
    if (ours.size === 0) process.once('exit', removeAll);
    ours.add(folder);
    return folder;
  } catch {
    return join(parent, `${PREFIX}${process.pid}`);
  }
}

/** Removes a folder made by {@link makeSharedFolder}. */
export function removeSharedFolder(folder: string): void {
  remove(folder);
  ours.delete(folder);
  if (ours.size === 0) process.off('exit', removeAll);
}

function removeAll(): void {
  for (const folder of ours) remove(folder);
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Another user's, or still in use where files in use cannot be removed.
  }
}

/** Whether a process of this number runs beside this one. A container's is the same at each start. */
function isOther(pid: number): boolean {
  return pid !== process.pid && processIsAlive(pid);
}
