import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { InferenceThread } from '../../serve/inference/inference-threads.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

const MODULE = new URL('../../serve/inference/worker.ts', import.meta.url);

test('a thread that is stopped while it loads a model, or runs it, leaves the process alone', async () => {
  const folder = await temporaryFolder();
  const bytes = await readFile((await writeTestModel(folder)).path);
  const model = new SharedArrayBuffer(bytes.length);
  new Uint8Array(model).set(bytes);
  const setup = { model, sharedFolder: folder, threads: 1, height: 32, width: 32, classes: 10 };
  let answers = 0;
  // At many points of its start, and at last after it.
  for (let milliseconds = 0; milliseconds <= 600 || answers === 0; milliseconds += 40) {
    const worker = new InferenceThread(MODULE, setup);
    worker.ready.catch(() => {});
    await sleep(milliseconds);
    const answer = worker.isReady ? worker.run(new Float32Array(8 * 3072), 8) : undefined;
    await worker.stop();
    // What it has is finished.
    if (answer) {
      assert.equal((await answer).logits.length, 80);
      answers++;
    }
  }
});
