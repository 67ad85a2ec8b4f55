import { errorMessage, UserError } from '../../core/errors.ts';

/** One class of a server's answer. */
export interface ServerGuess {
  label: string;
  probability: number;
}

/**
 * Sends a picture to the server's `/predict`.
 * @param url where that is
 * @returns every class that it answers, best first, and the time it took there and back
 * @throws UserError with the server's own words if it refuses
 */
export async function askServer(
  url: string,
  picture: Blob,
  topK: number,
): Promise<{ guesses: ServerGuess[]; ms: number }> {
  const start = performance.now();
  const address = new URL(url, document.baseURI);
  address.searchParams.set('topk', String(topK));
  let response: Response;
  let body: { predictions?: unknown; error?: unknown };
  try {
    response = await fetch(address, {
      method: 'POST',
      body: picture,
      headers: { 'content-type': picture.type || 'application/octet-stream' },
    });
    body = (await response.json()) as typeof body;
  } catch (error) {
    throw new UserError(`The server did not answer (${errorMessage(error)}); is it still running?`);
  }
  if (!response.ok) {
    throw new UserError(`The server refuses the picture: ${describeError(body.error) ?? response.status}`);
  }
  const { predictions } = body;
  if (!Array.isArray(predictions)) throw new UserError('The server answered in an unknown form; restart it.');
  return { guesses: predictions as ServerGuess[], ms: performance.now() - start };
}

/** Either a sentence, or an object with one. */
function describeError(error: unknown): string | undefined {
  if (typeof error === 'string') return error;
  const message = (error as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' ? message : undefined;
}
