import { UserError } from '../../../core/errors.ts';
import type { GivenModel, ModelSource, Progress } from './protocol.ts';

/**
 * Fetches a model with progress; one given with the files beside it is left to who reads it.
 * @throws UserError, AbortError as {@link download}
 */
export async function fetchModel(
  source: ModelSource,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
  expected = 0,
): Promise<GivenModel> {
  if ('files' in source) return { files: source.files };
  const from = 'url' in source ? source.url : source.file;
  return { file: await download(from, source.name, signal, onProgress, expected) };
}

/**
 * Fetches a file with progress.
 * @param source an address relative to the page, or a file the reader picked
 * @param what what to call it in an error
 * @param expected how many bytes there should be, where that is known: a compressed answer does not say it
 * @throws UserError if the server does not have it; AbortError if `signal` is aborted
 */
export async function download(
  source: string | Blob,
  what: string,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
  expected = 0,
): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof source !== 'string') {
    const buffer = await source.arrayBuffer().catch(() => {
      throw new UserError(`${what} can no longer be read; choose it again.`);
    });
    return new Uint8Array(buffer);
  }
  let response: Response;
  try {
    response = await fetch(source, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new UserError(`${what} could not be fetched; is the server still running?`);
  }
  // A model that the server has and cannot use; the reason says more.
  if (response.status === 422) throw new UserError(await response.text());
  if (!response.ok || !response.body) {
    throw new UserError(`${what} is not on this server (status ${response.status}); choose another.`);
  }
  const length = response.headers.has('Content-Encoding') ? null : response.headers.get('Content-Length');
  const total = Number(length ?? expected);
  const chunks: Uint8Array[] = [];
  let done = 0;
  const reader = response.body.getReader();
  for (;;) {
    let part: ReadableStreamReadResult<Uint8Array>;
    try {
      part = await reader.read();
    } catch (error) {
      if (signal.aborted) throw error;
      throw new UserError(`${what} broke off after ${done} bytes; try again.`);
    }
    if (part.done) break;
    chunks.push(part.value);
    done += part.value.length;
    onProgress({ done, total: Math.max(total, done) });
  }
  const bytes = new Uint8Array(done);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
