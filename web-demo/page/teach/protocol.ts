import type { PixelImage } from '../../../core/preprocess/pixel-image.ts';
import type { Backend, ModelSource } from '../worker/protocol.ts';

/** A picture to learn from: a file, or pixels of a data set. */
export type ExampleImage = Blob | PixelImage;

export interface TaughtClass {
  name: string;
  images: ExampleImage[];
}

/**
 * What is trained: of the open model its last layer or its last part, on what the layers before make of each picture
 * once, or all of it; or a small net from random weights.
 */
export type TeachMethod = 'head' | 'part' | 'whole' | 'scratch';

export interface Lesson {
  classes: TaughtClass[];
  method: TeachMethod;
  /** The model to go on from; all but `scratch` need it. */
  base?: ModelSource;
  /** What computes the training steps; where it cannot, WebAssembly does. */
  backend: Backend;
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
  /** What is to be known of how it was trained, a sentence each. */
  notes: string[];
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
