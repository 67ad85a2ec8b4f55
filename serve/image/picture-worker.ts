/** A thread that prepares large pictures of the user's own, for a classifier without a server. */
import { decodePicture } from '../../core/image/picture-file.ts';
import { prepareImage } from '../../core/preprocess/prepare-image.ts';
import { answerQuestions } from '../threads/question-threads.ts';

export interface PictureQuestion {
  bytes: Uint8Array;
  /** What to call it in an error. */
  source: string;
  /** Of the model's input. */
  width: number;
  height: number;
}

answerQuestions<PictureQuestion, Uint8Array<ArrayBuffer>>(
  // A copy if it shares its memory with others, which then cannot be given away.
  async ({ bytes, source, ...size }) =>
    new Uint8Array(prepareImage(await decodePicture(bytes, source), size).data),
  ({ buffer }) => [buffer],
);
