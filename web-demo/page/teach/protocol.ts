import type { PixelImage } from '../../../core/preprocess/pixel-image.ts';
import type { ModelSource } from '../worker/protocol.ts';

/** A picture to learn from: a file, or pixels of a data set. */
export type ExampleImage = Blob | PixelImage;

export interface TaughtClass {
  name: string;
  images: ExampleImage[];
}

/** What is trained: the open model's last layer on its features, or a small net from random weights. */
export type TeachMethod = 'head' | 'scratch';

export interface Lesson {
  classes: TaughtClass[];
  method: TeachMethod;
  /** The model whose features are used; needed for `head`. */
  base?: ModelSource;
  epochs: number;
  seed: number;
}

/** An epoch of a lesson; losses in nats, accuracies as fractions. */
export interface LessonEpoch {
  /** From 1. */
  epoch: number;
  trainLoss: number;
  trainTop1: number;
  /** On the pictures held out; absent if there are too few to hold any out. */
  testTop1?: number;
}

export interface LessonProgress {
  /** What is being done, for the reader. */
  status: string;
  /** In [0, 1]. */
  done: number;
  epochs: LessonEpoch[];
}

export interface LessonResult {
  /** An ONNX model file. */
  model: Uint8Array<ArrayBuffer>;
  /** What to call it, without an ending. */
  name: string;
  /** Pictures trained on and held out. */
  trained: number;
  heldOut: number;
  /** Of those held out: [classes, classes], row-major: row the true class, column the guess. */
  confusion: Uint32Array;
  seconds: number;
  stopped: boolean;
}

/** What the page can ask of the teaching worker. */
export interface TeachCalls {
  teach: { params: Lesson; result: LessonResult; progress: LessonProgress };
}
