import { Refusal } from '../../core/errors.ts';
import { decodeBase64Image } from '../image/base64.ts';
import { parseInput } from '../schemas/parse.ts';
import { PredictJson } from '../schemas/predict.ts';
import { tooManyImages } from './body-errors.ts';
import type { ImageRequest } from './image-request.ts';
import { readJson } from './read-json.ts';

/**
 * Reads the JSON of `POST /predict`: an object with base64 images.
 * @param body UTF-8
 * @throws Refusal 400 if it is not JSON of that form, 413 for too many images
 */
export function readJsonImages(body: Uint8Array, maxImages: number): ImageRequest {
  const request = parseInput(PredictJson, readJson(body, '{"image": "<base64>"}'), 'the JSON body');
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
