import type { Refusal } from '../../core/errors.ts';

/** The images of a request. */
export interface ImageRequest {
  /** Whether the answer is a list: several files, or the plural `images`, even with one in it. */
  list: boolean;
  /** Each image's bytes, or why it could not be read. */
  images: (Uint8Array | Refusal)[];
}
