import assert from 'node:assert/strict';
import { UserError } from '../../core/errors.ts';

/** A promise must fail with a UserError of one line that matches. */
export async function rejectsPlainly(promise: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => checkPlain(error, message));
}

/** For `assert.throws` and `assert.rejects`: a UserError of one line that matches. */
export function checkPlain(error: unknown, message: RegExp): true {
  assert.ok(error instanceof UserError, String(error));
  assert.match(error.message, message);
  assert.ok(!error.message.includes('\n'), error.message);
  return true;
}
