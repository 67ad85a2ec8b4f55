import type { ClassifierMetadata, ModelAccuracy } from '../../../core/model-metadata.ts';
import type { TestSetSource } from '../test-set/source.ts';

/** Where a model's bytes come from. */
export type ModelSource = { name: string; url: string } | { name: string; file: Blob };

/** A model that is open in the worker. */
export interface OpenedModel {
  name: string;
  metadata: ClassifierMetadata;
  /** How many weights it has. */
  parameters: number;
  bytes: number;
  /** Threads the wasm backend computes with. */
  threads: number;
}

export interface Progress {
  done: number;
  /** 0 if not known. */
  total: number;
}

export interface RankedClass {
  label: string;
  probability: number;
}

export interface Classification {
  /** Best first. */
  top: RankedClass[];
  /** Size of the picture as it was given, after EXIF rotation. */
  width: number;
  height: number;
  /** What the net sees, before normalisation. */
  seen: { width: number; height: number; rgba: Uint8ClampedArray<ArrayBuffer> };
  /** Decoding, resizing and normalising. */
  prepareMs: number;
  inferenceMs: number;
}

export interface EvaluationState {
  /** Whether the test set is still being fetched; `progress` is in bytes then, in images later. */
  phase: 'loading' | 'running';
  progress: Progress;
  accuracy?: ModelAccuracy;
  imagesPerSecond?: number;
}

export interface EvaluationReport {
  accuracy: ModelAccuracy;
  imagesPerSecond: number;
  seconds: number;
  /** Whether it was stopped before all the images asked for were done. */
  stopped: boolean;
  /** How many records the test set holds. */
  records: number;
}

/** What the page can ask of the worker. */
export interface Calls {
  open: { params: ModelSource; result: OpenedModel; progress: Progress };
  classify: { params: Blob; result: Classification; progress: never };
  evaluate: {
    params: { source: TestSetSource; limit: number };
    result: EvaluationReport;
    progress: EvaluationState;
  };
}

export type CallName = keyof Calls;

/** Page to worker. */
export type ToWorker =
  | { [K in CallName]: { id: number; call: K; params: Calls[K]['params'] } }[CallName]
  | { id: number; call: 'cancel' };

/** Worker to page. */
export type FromWorker =
  | { id: number; type: 'progress'; value: unknown }
  | { id: number; type: 'result'; value: unknown }
  /** `mendable`: a UserError, whose message is meant for the reader. */
  | { id: number; type: 'error'; message: string; mendable: boolean; aborted: boolean };
