/**
 * A mistake the user can mend: bad option, missing file, malformed data.
 * The message is one line that says what is wrong and how to mend it; command lines print it without a
 * stack and exit with code 1, servers answer it as a 4xx.
 */
export class UserError extends Error {
  override name = 'UserError';
}

/**
 * What is asked for cannot be done, or not now: the refusal of whoever asks, with the HTTP status that says why. The
 * message goes to the client, so it holds no path and no stack.
 */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly status: number;
  /** Seconds after which it is worth trying again. */
  readonly retryAfter: number | undefined;

  constructor(status: number, message: string, retryAfter?: number) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The service cannot answer now (loading, overloaded, restarting); the client may retry. */
export class UnavailableError extends Refusal {
  override name = 'UnavailableError';

  constructor(message: string, retryAfter = 1) {
    super(503, message, retryAfter);
  }
}

/** More is asked of the service than it can do. */
export class OverloadError extends UnavailableError {
  override name = 'OverloadError';
}

/** The message of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Longer messages are cut: a name that a hostile file holds may have any length. */
const MAX_MESSAGE = 500;

/** A message with its line feeds, terminal control sequences and turns of the direction taken out, as names in a file may hold them. */
export function oneLine(message: string): string {
  const line = message.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ');
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}...` : line;
}
