import { errorMessage, UserError } from '../errors.ts';

/** As large as a picture may be that a user names by its address, and what it may take. */
const MAX_BYTES = 50_000_000;
const SECONDS = 30;

/**
 * The bytes of a picture on the web. Only addresses that the user gave may come here: whoever chooses one has this
 * machine ask for it.
 * @param limits.maxBytes default 50 MB
 * @param limits.seconds for all of it; default 30
 * @throws UserError if it is no http(s) address, cannot be had, is larger or takes longer
 */
export async function fetchPicture(
  url: URL,
  { maxBytes = MAX_BYTES, seconds = SECONDS }: { maxBytes?: number; seconds?: number } = {},
): Promise<Uint8Array> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new UserError(`${url.href} is no http or https address`);
  }
  const tooLarge = () =>
    new UserError(`${url.href} has more than ${maxBytes / 1e6} MB; no picture needs them`);
  const signal = AbortSignal.timeout(seconds * 1000);
  try {
    const response = await fetch(url, { signal, headers: { accept: 'image/*' } });
    if (!response.ok) {
      await response.body?.cancel();
      throw new UserError(`${url.href} answered ${response.status} ${response.statusText}`.trimEnd());
    }
    const parts: Uint8Array[] = [];
    let bytes = 0;
    // Counted, for what is announced may be wrong; leaving the loop ends the transfer.
    for await (const part of response.body ?? []) {
      bytes += part.length;
      if (bytes > maxBytes) throw tooLarge();
      parts.push(part);
    }
    return Buffer.concat(parts);
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (signal.aborted) throw new UserError(`${url.href} did not arrive within ${seconds} s`);
    // fetch hides the reason ("fetch failed") in `cause`.
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    throw new UserError(`${url.href} cannot be fetched: ${cause?.code ?? errorMessage(cause ?? error)}`);
  }
}
