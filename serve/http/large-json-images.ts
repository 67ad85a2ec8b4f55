import { Refusal } from '../../core/errors.ts';
import type { RunLimits } from '../inference/pool.ts';
import { ownBuffer, QuestionThreads } from '../threads/question-threads.ts';
import type { ImageRequest } from './image-request.ts';

/** To the thread: what `readJsonImages` takes. */
export interface JsonQuestion {
  body: Uint8Array;
  maxImages: number;
}

/** From the thread: an {@link ImageRequest} whose refusals can be sent. */
export interface JsonAnswer {
  list: boolean;
  images: (Uint8Array<ArrayBuffer> | { status: number; message: string })[];
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
  const { list, images } = await threads.ask(question, limits, ownBuffer(question.body));
  return {
    list,
    images: images.map((image) =>
      image instanceof Uint8Array ? image : new Refusal(image.status, image.message),
    ),
  };
}
