/** What an inference worker is started with. */
export interface WorkerSetup {
  /** The ONNX file's bytes. */
  model: SharedArrayBuffer;
  /** A folder for what the workers of a pool share; see `open-session.ts`. */
  sharedFolder: string;
  /** One image's shape. */
  height: number;
  width: number;
  classes: number;
  /** Threads inside one operator; 0 lets onnxruntime choose. */
  threads: number;
  /** If given: the largest batch, to try with 1 and 2 whether images in a batch come out as each by itself. */
  tryBatch?: number;
}

/** To the worker: run this batch; `input` is [images, 3, height, width] and is transferred. */
export interface RunMessage {
  id: number;
  input: Float32Array<ArrayBuffer>;
  images: number;
}

/** From the worker. */
export type WorkerMessage =
  /** The model is loaded and a warm-up inference ran; with why images must be run one by one, where it was tried. */
  | { type: 'ready'; batchProblem?: string }
  /** The model cannot be used; the worker is no good. */
  | { type: 'unusable'; reason: string }
  /** `logits` is [images, classes]. */
  | { type: 'result'; id: number; logits: Float32Array<ArrayBuffer>; milliseconds: number }
  | { type: 'error'; id: number; reason: string };
