import type { z } from 'zod';
import type { ServedModel } from '../model-file.ts';
import type { ModelDescriptionAnswer } from '../schemas/models.ts';

/** The answer of `GET /model`: what a client needs to use the model, here or in a browser. */
export type ModelDescription = z.output<typeof ModelDescriptionAnswer>;

export function describeModel(
  { metadata, bytes }: Pick<ServedModel, 'metadata' | 'bytes'>,
  { name, version }: { name: string; version: number },
): Omit<ModelDescription, 'versions'> {
  return {
    name,
    version,
    dataset: metadata.dataset,
    labels: metadata.labels,
    input: {
      // The only one that `decodeMetadata` lets through.
      layout: 'NCHW',
      colorSpace: metadata.colorSpace,
      height: metadata.inputHeight,
      width: metadata.inputWidth,
      mean: metadata.mean,
      std: metadata.std,
    },
    scores: metadata.scores ?? 'logits',
    accuracy: metadata.accuracy ? { ...metadata.accuracy } : null,
    file: `/models/${name}@${version}.onnx`,
    bytes: bytes.length,
  };
}
