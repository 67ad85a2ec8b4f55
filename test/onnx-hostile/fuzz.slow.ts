import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { UserError } from '../../core/errors.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { Random } from '../../core/random.ts';
import { decodeWeights } from '../../core/weights/load-weights.ts';
import { MODELS, tinyModel } from './models.ts';
import { mutate } from './mutate.ts';

/** Whether the file is read; anything thrown but a UserError of one line fails the test. */
function survives(read: () => unknown, what: string): boolean {
  try {
    read();
    return true;
  } catch (error) {
    assert.ok(error instanceof UserError, `${what}: ${error instanceof Error ? error.stack : error}`);
    assert.doesNotMatch(error.message, /[\p{Cc}\u2028\u2029]/u, what);
    assert.ok(error.message.length < 600, `${what}: a message of ${error.message.length} characters`);
    return false;
  }
}

describe('a damaged model is read, or is an error of one line', () => {
  const donor = tinyModel();
  for (const { name, bytes, times, reach } of MODELS) {
    it(`${name}, ${times} times`, () => {
      assert.ok(
        survives(() => decodeModel(bytes, name), name),
        `${name} itself`,
      );
      let read = 0;
      for (let i = 0; i < times; i++) {
        const damaged = mutate(bytes, new Random(7, i), donor, reach);
        if (survives(() => decodeModel(damaged, name), `mutation ${i}`)) read++;
        if (i % 10 === 0) survives(() => decodeWeights(damaged, name), `mutation ${i}, as weights`);
      }
      // Damage that is never, or always, noticed would be no test.
      assert.ok(read > times / 100 && read < (times * 9) / 10, `${read} of ${times} were read`);
    });
  }
});

describe('onnxruntime', () => {
  const EACH = 75;
  it('does not crash on damaged models that our checks let through', async () => {
    const script = fileURLToPath(new URL('try-onnxruntime.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, String(EACH)]);
    const { decoded, ran, refused } = JSON.parse(stdout) as Record<string, number>;
    assert.equal(decoded, EACH * MODELS.length);
    assert.equal(ran! + refused!, decoded);
  });
});
