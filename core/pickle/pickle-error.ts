/**
 * Why a pickle is not read. The message goes on a sentence that begins with the file's name, e.g.
 * "is truncated"; {@link unpickle} makes a UserError of it.
 */
export class PickleError extends Error {
  override name = 'PickleError';
}

/** Text of the file as part of a one-line message. */
export function printable(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
