import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../core/errors.ts';
import type { TensorFile } from '../../core/weights/safetensors.ts';

/** The path of a file of ../fixtures/pytorch. */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/pytorch/${name}`, import.meta.url));
}

export function readFixture(name: string): Promise<Buffer> {
  return readFile(fixturePath(name));
}

/** Fails unless both hold the same tensors bit for bit, NaNs too. */
export function assertSameTensors(actual: TensorFile['tensors'], expected: TensorFile['tensors']): void {
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort());
  for (const [name, { dims, data }] of expected) {
    const tensor = actual.get(name)!;
    assert.deepEqual(tensor.dims, dims, name);
    assert.deepEqual(bitsOf(tensor.data), bitsOf(data), name);
  }
}

export function bitsOf(data: Float32Array): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}

/** Fails unless `action` throws a UserError of one line. */
export function assertRefuses(action: () => unknown, message: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof UserError, error instanceof Error ? error.stack : String(error));
    assert.match(error.message, message);
    assert.match(error.message, /^[^\n]+$/);
    return true;
  });
}

/** Runs `action` on hostile input: it may succeed or throw a UserError of one line, and nothing else. */
export function survives(action: () => unknown, what: string): boolean {
  try {
    action();
    return true;
  } catch (error) {
    assert.ok(error instanceof UserError, `${what}: ${error instanceof Error ? error.stack : error}`);
    assert.match(error.message, /^[^\n]+$/, what);
    return false;
  }
}
