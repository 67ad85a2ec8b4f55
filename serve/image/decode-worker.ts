/** The thread that decodes large images. */
import { parentPort } from 'node:worker_threads';
import { HttpError } from '../http/http-error.ts';
import { decodeHere } from './decode.ts';
import type { DecodedMessage, DecodeMessage } from './decode-thread.ts';

const port = parentPort!;

port.on('message', async ({ bytes, options }: DecodeMessage) => {
  let answer: DecodedMessage;
  try {
    answer = { data: await decodeHere(bytes, options) };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    answer = { status: error.status, message: error.message };
  }
  port.postMessage(answer);
});
