/** What a request, and all of them together, may ask for. */
export interface Limits {
  /** Bytes of a request body. */
  bodyBytes: number;
  /** Pixels of an image, before it is resized. */
  pixels: number;
  /** Images in a request. */
  images: number;
  /** Requests with a body under way at a time. */
  requests: number;
  /** Bytes of the bodies of all requests under way. */
  totalBodyBytes: number;
  /** Time a client has to send its request, in seconds. */
  receiveSeconds: number;
  /** Time from a received request to the start of its inference, in seconds. */
  queueSeconds: number;
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 10_000_000,
  pixels: 50_000_000,
  images: 256,
  requests: 1024,
  totalBodyBytes: 500_000_000,
  receiveSeconds: 30,
  queueSeconds: 30,
};
