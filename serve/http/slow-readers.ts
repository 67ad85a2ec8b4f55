import type { RequestHandler, Response } from 'express';
import type { Limits } from './limits.ts';

/** A client that takes less than this in the time it may stand still is taken to stand still. */
const PIECE = 65_536;

/**
 * Ends the connections of clients that do not take their answers: when nothing is taken for `stallSeconds`, and
 * in any case `receiveSeconds` after all of an answer was handed to the connection.
 */
export function cutSlowReaders({ stallSeconds, receiveSeconds }: Limits): RequestHandler {
  return (_req, res, next) => {
    res.once('prefinish', () => {
      const { socket } = res;
      // Nearly always the system has taken all of it by now.
      if (!socket || socket.writableLength === 0) return;
      cutStalled(res, stallSeconds);
      const latest = setTimeout(() => socket.destroy(), receiveSeconds * 1000).unref();
      res.once('close', () => clearTimeout(latest));
    });
    next();
  };
}

/** For an answer that is being sent: ends the connection when nothing moves on it for so long. */
export function cutStalled(res: Response, seconds: number): void {
  // Node destroys a connection whose timeout nobody listens to, and sets another after the answer.
  res.socket?.setTimeout(seconds * 1000);
}

/**
 * Sends bytes piece by piece, as the client takes them.
 * @param stallSeconds what a piece may take; then the connection is ended
 */
export async function sendBytes(res: Response, bytes: Uint8Array, stallSeconds: number): Promise<void> {
  res.setHeader('Content-Length', bytes.byteLength);
  if (res.req.method === 'HEAD') {
    res.end();
    return;
  }
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < whole.length; at += PIECE) {
    if (!res.write(whole.subarray(at, at + PIECE))) await taken(res, stallSeconds);
    if (res.destroyed) return;
  }
  res.end();
}

/** Waits until what was written is on its way; destroys the response of a client that does not take it. */
function taken(res: Response, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => res.destroy(), seconds * 1000);
    const go = (): void => {
      clearTimeout(timer);
      res.off('drain', go).off('close', go);
      resolve();
    };
    res.on('drain', go).on('close', go);
  });
}
