/** The thread that decodes large images. */
import { answerQuestions } from '../threads/answer-questions.ts';
import { type DecodeQuestion, decodeHere } from './decode.ts';

answerQuestions<DecodeQuestion, Uint8Array>(({ bytes, options }) => decodeHere(bytes, options));
