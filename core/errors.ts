/**
 * A mistake the user can mend: bad option, missing file, malformed data.
 * The message is one line that says what is wrong and how to mend it; command lines print it without a
 * stack and exit with code 1, servers answer it as a 4xx.
 */
export class UserError extends Error {
  override name = 'UserError';
}

/** The message of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
