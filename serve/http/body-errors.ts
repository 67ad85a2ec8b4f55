import { MulterError } from 'multer';
import { Refusal } from '../../core/errors.ts';
import type { Limits } from './limits.ts';

export function bodyTooLarge(maxBytes: number): Refusal {
  const megabytes = Number((maxBytes / 1e6).toPrecision(3));
  return new Refusal(413, `the request body is larger than ${megabytes} MB; send fewer or smaller images`);
}

export function tooManyImages(max: number): Refusal {
  return new Refusal(413, `too many images: at most ${max} in a request`);
}

/** Turns what multer throws into a clear refusal. */
export function describeBodyError(error: unknown, limits: Limits): unknown {
  if (!(error instanceof MulterError)) return error;
  switch (error.code) {
    case 'LIMIT_FILE_SIZE':
      return bodyTooLarge(limits.bodyBytes);
    case 'LIMIT_FILE_COUNT':
      return tooManyImages(limits.images);
    default:
      return new Refusal(400, `malformed multipart body: ${error.message.toLowerCase()}`);
  }
}
