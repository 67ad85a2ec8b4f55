import { z } from 'zod';
import { Refusal } from '../../core/errors.ts';
import type { RunLimits } from '../inference/pool.ts';
import { parseInput } from '../schemas.ts';
import { ownBuffer, QuestionThreads } from '../threads/question-threads.ts';
import { tooManyImages } from './limits.ts';
import { readJson } from './read-json.ts';

const Base64Image = z.string().meta({
  description: 'a PNG, JPEG, WebP, GIF or AVIF file as base64 or as a data URL',
  contentEncoding: 'base64',
});

/** `application/json`: one image, or several. */
export const PredictJson = z
  .union(
    [
      z.strictObject({ image: Base64Image }),
      // Not checked one by one: in a list a bad image is refused alone.
      z.strictObject({
        images: z
          .array(z.unknown().meta({ type: 'string', contentEncoding: 'base64' }))
          .min(1, 'give a list that is not empty'),
      }),
      z.strictObject({
        url: z.string().meta({
          description:
            'where the image is, http or https; only where the server was started with --image-urls',
        }),
      }),
      z.strictObject({ urls: z.array(z.string()).min(1, 'give a list that is not empty') }),
    ],
    {
      error:
        'give either "image" (a string: base64 or a data URL) or "images" (a list of them that is not empty), or "url" or "urls" where the server fetches images',
    },
  )
  .meta({ id: 'PredictRequest' });

/**
 * Reads the JSON of `POST /predict`: an object with base64 images.
 * @param body UTF-8
 * @throws Refusal 400 if it is not JSON of that form, 413 for too many images
 */
export function readJsonImages(body: Uint8Array, maxImages: number): ImageRequest {
  const request = parseInput(PredictJson, readJson(body, '{"image": "<base64>"}'), 'the JSON body');
  if ('url' in request) return { list: false, images: [], urls: [request.url] };
  if ('urls' in request) {
    if (request.urls.length > maxImages) throw tooManyImages(maxImages);
    return { list: true, images: [], urls: request.urls };
  }
  if ('image' in request) return { list: false, images: [decodeBase64Image(request.image)] };
  if (request.images.length > maxImages) throw tooManyImages(maxImages);
  return { list: true, images: request.images.map(decodeOrRefuse) };
}

/** In a list, one bad image does not fail the others. */
function decodeOrRefuse(value: unknown): Uint8Array | Refusal {
  try {
    return decodeBase64Image(value);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** The images of a request. */
export interface ImageRequest {
  /** Whether the answer is a list: several files, or the plural `images`, even with one in it. */
  list: boolean;
  /** Each image's bytes, or why it could not be read. */
  images: (Uint8Array | Refusal)[];
  /** Instead of images: where they are. */
  urls?: string[];
}

/** To the thread: what `readJsonImages` takes. */
export interface JsonQuestion {
  body: Uint8Array;
  maxImages: number;
}

/** From the thread: an {@link ImageRequest} whose refusals can be sent. */
export interface JsonAnswer {
  list: boolean;
  images: (Uint8Array<ArrayBuffer> | { status: number; message: string })[];
  urls?: string[];
}

const threads = new QuestionThreads<JsonQuestion, JsonAnswer>({
  module: new URL('./json-images-worker.ts', import.meta.url),
  name: 'read images in JSON',
  work: 'reading large JSON',
});

/**
 * As `readJsonImages`, in a thread beside the main one.
 * @param question its body may be given away
 * @throws Refusal as `readJsonImages`, or if too much waits for the threads
 */
export async function readLargeJsonImages(question: JsonQuestion, limits: RunLimits): Promise<ImageRequest> {
  const { list, images, urls } = await threads.ask(question, limits, ownBuffer(question.body));
  return {
    list,
    images: images.map((image) =>
      image instanceof Uint8Array ? image : new Refusal(image.status, image.message),
    ),
    ...(urls && { urls }),
  };
}

/**
 * The bytes of an image sent as base64 text, bare or as a data URL (`data:image/png;base64,...`). Line breaks
 * and the URL-safe alphabet are accepted.
 * @throws Refusal 400 if it is not a string of base64
 */
function decodeBase64Image(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw new Refusal(400, 'an image must be a string: base64 or a data URL');
  let text = value;
  if (/^https?:\/\//i.test(text)) {
    throw new Refusal(400, 'the image is not valid base64 but an address, which goes into "url" or "urls"');
  }
  if (text.startsWith('data:')) {
    const comma = text.indexOf(',');
    if (comma < 0 || !text.slice(0, comma).endsWith(';base64')) {
      throw new Refusal(400, 'a data URL must be of the form data:image/png;base64,...');
    }
    text = text.slice(comma + 1);
  }
  text = text.replace(/\s+/g, '');
  // Buffer.from skips what is not base64; without this check garbage would become a shorter image.
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text) || text.replace(/=+$/, '').length % 4 === 1) {
    throw new Refusal(400, 'the image is not valid base64');
  }
  return Buffer.from(text, 'base64');
}
