import { Refusal } from '../../core/errors.ts';

/** What a request, those of a client, and all of them together, may ask for. */
export interface Limits {
  /** Bytes of a request body. */
  bodyBytes: number;
  /** Pixels of an image, before it is resized. */
  pixels: number;
  /** Images in a request. */
  images: number;
  /** Requests with a body under way at a time. */
  requests: number;
  /** Bodies of one address that may be arriving at a time. */
  clientBodies: number;
  /** Bytes of the bodies of all requests under way; one address may have half of them. */
  totalBodyBytes: number;
  /** Time a client has to send its request, and to take its answer, in seconds. */
  receiveSeconds: number;
  /** Time that a body, or the taking of an answer, may stand still, in seconds. */
  stallSeconds: number;
  /** Time from a received request to the start of its inference, in seconds. */
  queueSeconds: number;
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 10_000_000,
  pixels: 50_000_000,
  images: 256,
  requests: 1024,
  clientBodies: 128,
  totalBodyBytes: 500_000_000,
  receiveSeconds: 30,
  stallSeconds: 5,
  queueSeconds: 30,
};

export function bodyTooLarge(maxBytes: number): Refusal {
  const megabytes = Number((maxBytes / 1e6).toPrecision(3));
  return new Refusal(413, `the request body is larger than ${megabytes} MB; send fewer or smaller images`);
}

export function tooManyImages(max: number): Refusal {
  return new Refusal(413, `too many images: at most ${max} in a request`);
}
