import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { chooseInference } from '../../serve/inference/pool.ts';
import { makeSharedFolder, openShared, removeSharedFolder } from '../../serve/inference/shared-weights.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

async function logits(session: InferenceSession): Promise<Float32Array> {
  const values = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => Math.sin(i));
  const { logits } = await session.run({ input: new Tensor('float32', values, [2, 3, 32, 32]) });
  return logits!.data as Float32Array;
}

test('sessions with shared weights answer as one of its own does', async () => {
  const folder = await temporaryFolder();
  const { path } = await writeTestModel(folder);
  const bytes = readFileSync(path);
  const model = new SharedArrayBuffer(bytes.length);
  new Uint8Array(model).set(bytes);
  const own = await openShared(model, join(folder, 'cannot', 'be', 'written'), 1);
  assert.equal(existsSync(join(folder, 'cannot')), false);
  const shared = join(folder, 'shared');
  mkdirSync(shared);
  const sessions = await Promise.all([openShared(model, shared, 1), openShared(model, shared, 2)]);
  // A third needs the model's bytes no more.
  sessions.push(await openShared(new SharedArrayBuffer(1), shared, 1));
  const expected = await logits(own);
  for (const session of sessions) assert.deepEqual(await logits(session), expected);
  for (const session of [own, ...sessions]) await session.release();
});

test('shared folders go with their pool, and with processes that were killed', () => {
  const alive = makeSharedFolder();
  // A process's number that is free again.
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const orphan = join(tmpdir(), `onnx-classifier-weights-${pid}-test00`);
  mkdirSync(orphan);
  const next = makeSharedFolder();
  assert.equal(existsSync(orphan), false);
  assert.equal(existsSync(alive), true);
  removeSharedFolder(alive);
  assert.equal(existsSync(alive), false);
  assert.equal(existsSync(next), true);
  removeSharedFolder(next);
});

test('inference threads are chosen from the cores, around what was asked for', () => {
  assert.deepEqual(chooseInference({}, 1), { workers: 1, threads: 1 });
  assert.deepEqual(chooseInference({}, 2), { workers: 2, threads: 1, soloThreads: 2 });
  assert.deepEqual(chooseInference({}, 32), { workers: 8, threads: 4, soloThreads: 32 });
  assert.deepEqual(chooseInference({ workers: 1 }, 4), { workers: 1, threads: 4 });
  assert.deepEqual(chooseInference({ threads: 2 }, 4), { workers: 2, threads: 2 });
  assert.deepEqual(chooseInference({ workers: 3, threads: 5 }, 4), { workers: 3, threads: 5 });
});
