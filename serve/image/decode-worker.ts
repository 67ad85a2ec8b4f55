/** A thread that decodes large images. */
import { answerQuestions } from '../threads/question-threads.ts';
import { type DecodeAnswer, type DecodeQuestion, decodeLarge } from './decode.ts';

answerQuestions<DecodeQuestion, DecodeAnswer>(decodeLarge, ({ image }) => [image.buffer]);
