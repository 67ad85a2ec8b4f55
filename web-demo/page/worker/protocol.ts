import type { ClassifierMetadata, ModelAccuracy, Precision } from '../../../core/model-metadata.ts';
import type { Region } from '../../../core/preprocess/region.ts';
import type { ModelFiles, PathFile } from '../picture/dropped-files.ts';
import type { TestSetSource } from '../test-set/source.ts';

/**
 * Where a model's bytes come from: the server, which may say how many there are; a file; or a file with what lies
 * beside it, all in one folder that their paths begin with.
 */
export type ModelSource = { name: string; url: string; bytes?: number } | ModelFiles;

/** A model as it is read: its bytes, or its file with those beside it. */
export type GivenModel = { file: Uint8Array } | { files: PathFile[] };

/** What computes: the graphics card, or WebAssembly on the processor. */
export type Backend = 'webgpu' | 'wasm';
export type BackendChoice = 'auto' | Backend;

/** A model that is open in the worker. */
export interface OpenedModel {
  name: string;
  metadata: ClassifierMetadata;
  /** True for a model from elsewhere: its classes and normalisation are a guess. */
  assumed: boolean;
  /** What is to be known of it, a sentence each. */
  notes: string[];
  precision: Precision;
  /** How many weights it has. */
  parameters: number;
  bytes: number;
  backend: Backend;
  /** The address of the WebAssembly file that was loaded for it. */
  runtimeUrl: string;
  /** Why it does not run on what was chosen. */
  fallback?: string;
  /** Threads the wasm backend computes with. */
  threads: number;
  /** What it said of the picture that it was opened with. */
  first?: Classification;
}

export interface Progress {
  done: number;
  /** 0 if not known. */
  total: number;
}

export interface RankedClass {
  index: number;
  label: string;
  probability: number;
  superclass?: string;
}

export interface SuperclassShare {
  name: string;
  /** Of all its classes together. */
  probability: number;
}

export interface ClassifyRequest {
  file: Blob;
  /** The same for the same picture, so that it is decoded once. */
  key: number;
  /** What part of the picture to look at; absent: the largest that fits around the centre. */
  region?: Region;
}

export interface Classification {
  /** Best first. */
  top: RankedClass[];
  /** The superclass with the most probability, where the classes have some. */
  superclass?: SuperclassShare;
  /** Size of the picture as it was given, after EXIF rotation. */
  width: number;
  height: number;
  /** What the net sees, before normalisation. */
  seen: { width: number; height: number; rgba: Uint8ClampedArray<ArrayBuffer> };
  /** Decoding, resizing and normalising. */
  prepareMs: number;
  inferenceMs: number;
}

export interface HeatMap {
  width: number;
  height: number;
  /** [height, width] in nats; see `occlusionMap`. */
  values: Float32Array;
  /** Pictures the model was run on for it. */
  runs: number;
  ms: number;
}

export interface EvaluationState {
  /** Whether the test set is still being fetched; `progress` is in bytes then, in images later. */
  phase: 'loading' | 'running' | 'paused';
  progress: Progress;
  accuracy?: ModelAccuracy;
  imagesPerSecond?: number;
  details?: EvaluationDetails;
}

/** A picture that the model got wrong, and how sure it was. */
export interface Mistake {
  /** Which record of the file, or picture of the folder. */
  record: number;
  /** What to call it. */
  name: string;
  truth: number;
  guess: number;
  probability: number;
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

export interface EvaluationDetails {
  /** [classes, classes], row-major: row the true class, column the guess. */
  confusion: Uint32Array;
  /** Those the model was surest of, surest first. */
  mistakes: readonly Mistake[];
}

export interface EvaluationReport {
  accuracy: ModelAccuracy;
  details: EvaluationDetails;
  imagesPerSecond: number;
  seconds: number;
  /** Whether it was stopped before all the images asked for were done. */
  stopped: boolean;
  /** What was left out, a sentence each. */
  notes: string[];
}

/** What the page can ask of the inference worker. */
export interface Calls {
  /** Fetches and compiles what will probably run the model; the progress is in bytes. */
  prepare: { params: { backend: BackendChoice }; result: undefined; progress: Progress };
  /** Its first run is on `picture`, if there is one. The progress is that of what else is fetched to run it. */
  open: {
    params: { name: string; backend: BackendChoice; picture?: ClassifyRequest | undefined } & GivenModel;
    result: OpenedModel;
    progress: Progress;
  };
  classify: { params: ClassifyRequest; result: Classification; progress: never };
  explain: { params: { index: number }; result: HeatMap; progress: Progress };
  evaluate: {
    params: { source: TestSetSource; limit: number };
    result: EvaluationReport;
    progress: EvaluationState;
  };
}
