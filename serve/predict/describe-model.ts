import type { ClassifierMetadata, ModelAccuracy } from '../../core/model-metadata.ts';
import type { ServedModel } from '../model-file.ts';

/** The answer of `GET /model`: what a client needs to use the model, here or in a browser. */
export interface ModelDescription {
  name: string;
  dataset: string;
  labels: string[];
  input: Pick<ClassifierMetadata, 'mean' | 'std'> & {
    layout: 'NCHW';
    colorSpace: 'RGB';
    height: number;
    width: number;
  };
  /** Null if the weights were never measured. */
  accuracy: ModelAccuracy | null;
  /** Where this server has the ONNX file. */
  file: string;
  bytes: number;
}

export function describeModel({ metadata, bytes }: ServedModel): ModelDescription {
  return {
    name: metadata.model,
    dataset: metadata.dataset,
    labels: metadata.labels,
    input: {
      layout: metadata.inputLayout,
      colorSpace: metadata.colorSpace,
      height: metadata.inputHeight,
      width: metadata.inputWidth,
      mean: metadata.mean,
      std: metadata.std,
    },
    accuracy: metadata.accuracy ?? null,
    // The name comes from the file; keep it a plain path whatever it holds.
    file: `/models/${metadata.model.replace(/[^\w.-]/g, '_')}.onnx`,
    bytes: bytes.length,
  };
}
