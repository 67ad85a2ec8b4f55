/** The thread that reads large JSON with images. */
import { Refusal } from '../../core/errors.ts';
import { answerQuestions } from '../threads/question-threads.ts';
import { type JsonAnswer, type JsonQuestion, readJsonImages } from './json-images.ts';

answerQuestions<JsonQuestion, JsonAnswer>(
  ({ body, maxImages }) => {
    const { list, images, urls } = readJsonImages(body, maxImages);
    return {
      list,
      // Copies, for the memory of a small Buffer is shared with others and cannot be given away.
      images: images.map((image) =>
        image instanceof Refusal ? { status: image.status, message: image.message } : new Uint8Array(image),
      ),
      ...(urls && { urls }),
    };
  },
  ({ images }) => images.flatMap((image) => (image instanceof Uint8Array ? [image.buffer] : [])),
);
