/** A thread that prepares large pictures of the user's own, for a classifier without a server. */
import { UserError } from '../../core/errors.ts';
import { decodePicture } from '../../core/image/picture-file.ts';
import { prepareImage } from '../../core/preprocess/prepare-image.ts';
import { answerQuestions } from '../threads/answer-questions.ts';

export interface PictureQuestion {
  bytes: Uint8Array;
  /** What to call it in an error. */
  source: string;
  /** Of the model's input. */
  width: number;
  height: number;
}

/** [height, width, 3], or why there is none. */
export type PictureAnswer = { image: Uint8Array<ArrayBuffer> } | { refusal: string };

answerQuestions<PictureQuestion, PictureAnswer>(
  async ({ bytes, source, ...size }) => {
    try {
      const { data } = prepareImage(await decodePicture(bytes, source), size);
      // A copy if it shares its memory with others, which then cannot be given away.
      return { image: new Uint8Array(data) };
    } catch (error) {
      if (error instanceof UserError) return { refusal: error.message };
      throw error;
    }
  },
  (answer) => ('image' in answer ? [answer.image.buffer] : []),
);
