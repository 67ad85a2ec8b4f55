import { open, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage, UserError } from '../errors.ts';
import { type Checksum, fileDigest } from './checksum.ts';

export interface DownloadOptions {
  url: string;
  /** Where the file goes; while it is incomplete it is beside it, with `.part` added. */
  path: string;
  checksum: Checksum;
  /** Called as bytes arrive; `total` is 0 if the server does not say. */
  onProgress?: (done: number, total: number) => void;
  /** How often a broken transfer is taken up again in a row without a byte of progress; default 4. */
  retries?: number;
  /** Pause before a retry in milliseconds; default 2000. */
  retryDelayMs?: number;
  /** A server that sends nothing for so long is given up; milliseconds, default 60,000. */
  stallMs?: number;
}

/** A transfer that broke off; what has arrived is kept and the rest can be asked for. */
class Interrupted extends Error {}

/**
 * Downloads a file, taking up an earlier `.part` file with a Range request where the server allows it. The
 * file appears under its own name only when it is complete and its checksum is right.
 * @throws UserError if the server cannot be reached, refuses, keeps breaking off, or sends other bytes
 */
export async function downloadFile(options: DownloadOptions): Promise<void> {
  const { path, checksum, url } = options;
  const part = `${path}.part`;
  const retries = options.retries ?? 4;
  let left = retries;
  for (;;) {
    const before = await sizeOf(part);
    try {
      await transfer(options, part, before);
      break;
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      const arrived = await sizeOf(part);
      if (arrived > before) left = retries;
      if (left === 0) {
        throw new UserError(
          `the download of ${url} broke off after ${arrived} bytes (${error.message}); run again to go on from there`,
        );
      }
      left -= 1;
      await sleep(options.retryDelayMs ?? 2000);
    }
  }
  const actual = await fileDigest(part, checksum.algorithm);
  if (actual !== checksum.hex) {
    const bytes = await sizeOf(part);
    // Kept, it would be "resumed" for ever.
    await rm(part, { force: true });
    throw new UserError(
      `${url} is not the expected file: ${checksum.algorithm} of its ${bytes} bytes is ${actual}, not ${checksum.hex}; the download was removed, check the address and run again`,
    );
  }
  await rename(part, path);
}

/** One request: appends to `part` from byte `offset`, or starts over if the server sends the whole file. */
async function transfer(options: DownloadOptions, part: string, offset: number): Promise<void> {
  const { url } = options;
  const stall = new AbortController();
  const stallMs = options.stallMs ?? 60_000;
  const timer = setTimeout(() => stall.abort(new Error(`no data for ${stallMs / 1000} s`)), stallMs);
  try {
    const response = await request(url, offset, stall.signal);
    if (response.status === 416) {
      await response.body?.cancel();
      // "Range not satisfiable": all of it is here already, or `part` is longer than the file.
      if (response.headers.get('content-range') === `bytes */${offset}`) return;
      await rm(part, { force: true });
      throw new Interrupted('the partial file did not fit the one on the server');
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new UserError(
        `${url} answers ${response.status} ${response.statusText}; check the address or give another with --url`,
      );
    }
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    const resumed = response.status === 206 && range !== null && Number(range[1]) === offset;
    if (response.status === 206 && !resumed) {
      await response.body.cancel();
      await rm(part, { force: true });
      throw new Interrupted('the server sent another range than asked for');
    }
    const start = resumed ? offset : 0;
    const length = Number(response.headers.get('content-length') ?? 0);
    const total = length > 0 ? start + length : 0;
    let done = start;
    options.onProgress?.(done, total);
    const file = await open(part, resumed ? 'a' : 'w').catch((error: unknown) => {
      throw new UserError(`cannot write ${part}: ${errorMessage(error)}`);
    });
    // Written chunk by chunk, not piped: a broken pipeline throws away what it had in its buffers.
    try {
      for await (const chunk of chunks(response.body, stall.signal)) {
        timer.refresh();
        await file.writeFile(chunk).catch((error: unknown) => {
          throw new UserError(`cannot write ${part}: ${errorMessage(error)}`);
        });
        done += chunk.length;
        options.onProgress?.(done, total);
      }
    } finally {
      await file.close();
    }
    if (total > 0 && done < total) throw new Interrupted(`${total - done} bytes are missing`);
  } finally {
    clearTimeout(timer);
  }
}

/** The body's chunks as they arrive; whatever breaks the connection is thrown as {@link Interrupted}. */
async function* chunks(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw new Interrupted(errorMessage(signal.aborted ? signal.reason : (causeOf(error) ?? error)));
  } finally {
    // Tells the server to stop if the caller did.
    await reader.cancel().catch(() => {});
  }
}

async function request(url: string, offset: number, signal: AbortSignal): Promise<Response> {
  // `identity`: a server that labels the archive as gzip-encoded would have it unpacked on the way.
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (offset > 0) headers.range = `bytes=${offset}-`;
  try {
    return await fetch(url, { headers, signal });
  } catch (error) {
    if (offset > 0 && !isUnreachable(error)) throw new Interrupted(errorMessage(causeOf(error) ?? error));
    const reason = errorMessage(signal.aborted ? signal.reason : (causeOf(error) ?? error));
    throw new UserError(
      `cannot reach ${url} (${reason}); check the network, or download it elsewhere and put it in the data folder`,
    );
  }
}

/** Node's fetch hides what went wrong in the `cause` of a "fetch failed". */
function causeOf(error: unknown): Error | undefined {
  return error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
}

function isUnreachable(error: unknown): boolean {
  const code = (causeOf(error) as NodeJS.ErrnoException | undefined)?.code;
  return code === undefined || ['ENOTFOUND', 'EAI_AGAIN', 'ERR_INVALID_URL', 'ENETUNREACH'].includes(code);
}

/** Size in bytes; 0 if there is no such file. */
async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (info) => info.size,
    () => 0,
  );
}
