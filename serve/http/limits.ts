/** What a request may ask for. */
export interface Limits {
  /** Bytes of a request body. */
  bodyBytes: number;
  /** Pixels of an image, before it is resized. */
  pixels: number;
  /** Images in a request. */
  images: number;
}

export const DEFAULT_LIMITS: Limits = { bodyBytes: 10_000_000, pixels: 50_000_000, images: 256 };
