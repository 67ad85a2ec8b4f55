import type { EncodeOptions } from '../../core/onnx/opset.ts';

/** How the range of an activation is chosen from what calibration saw; see `ranges/`. */
export const CALIBRATION_METHODS = ['minmax', 'percentile', 'entropy', 'mse'] as const;
export type CalibrationMethod = (typeof CALIBRATION_METHODS)[number];
export const DEFAULT_METHOD = 'percentile';
export const DEFAULT_CALIBRATION_IMAGES = 500;

/** Normalised images, [size, 3, height, width]; what `evaluationBatches` gives fits. */
export interface CalibrationBatch {
  images: Float32Array;
  size: number;
}

export interface QuantizeOptions {
  /** Starts a pass over the calibration images (training images); called more than once. */
  batches: () => Iterable<CalibrationBatch> | AsyncIterable<CalibrationBatch>;
  method?: CalibrationMethod | undefined;
  /** For `percentile`: how much of each tensor's values, in percent, stays unclipped. */
  percentile?: number | undefined;
  /**
   * 7-bit weights, for processors without VNNI: there AVX2's 16-bit sums of two products with 8-bit weights
   * overflow, and what runs them exactly (`core/runtime/exact-int8.ts`) is hardly faster than float32.
   */
  reduceRange?: boolean | undefined;
  /** onnxruntime's threads during calibration; all cores if left out. */
  threads?: number | undefined;
  /**
   * Of a graph of another program: its operator sets, for values of which nothing is known are computed by onnxruntime,
   * and whether its input is one image, without a batch.
   */
  foreign?: { encode: EncodeOptions; oneImage: boolean } | undefined;
  /** Images done in this pass, and which pass of how many this is (from 1). */
  onProgress?: ((images: number, pass: number, passes: number) => void) | undefined;
}

/** What was done, for a command line to print. */
export interface QuantizeReport {
  method: CalibrationMethod;
  weightBits: 7 | 8;
  calibrationImages: number;
  /** Operators that compute in int8, by their name, e.g. `{ Conv: 15, Add: 6 }`. */
  quantized: Record<string, number>;
  /** Operators left in float32. */
  float: Record<string, number>;
}
