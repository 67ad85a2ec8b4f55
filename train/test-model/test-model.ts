import type { ImageDataset } from '../../core/data/dataset.ts';
import { evaluateModelBytes } from '../../core/inference/evaluate-model.ts';
import { ConfusionMatrix } from '../../core/metrics/confusion-matrix.ts';
import type { ModelAccuracy } from '../../core/model-metadata.ts';
import type { LoadedModel } from './load-model.ts';

export interface TestModelOptions {
  batchSize: number;
  onProgress?: (images: number, top1: number) => void;
}

export interface TestOutcome {
  accuracy: ModelAccuracy;
  matrix: ConfusionMatrix;
}

/**
 * Runs a model on the test split, counting what it takes each class for.
 * @throws UserError if onnxruntime cannot run the model
 */
export async function testModel(
  model: LoadedModel,
  dataset: ImageDataset,
  options: TestModelOptions,
): Promise<TestOutcome> {
  const matrix = new ConfusionMatrix(model.classes);
  const accuracy = await evaluateModelBytes(model.bytes, dataset, dataset.test, {
    ...options,
    onBatch: (logits, labels, n) => matrix.add(logits, labels, n),
  });
  return { accuracy, matrix };
}
