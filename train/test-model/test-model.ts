import * as ort from 'onnxruntime-node';
import type { ImageDataset } from '../../core/data/dataset.ts';
import { errorMessage, UserError } from '../../core/errors.ts';
import { ClassificationMetrics } from '../../core/metrics/classification-metrics.ts';
import { ConfusionMatrix } from '../../core/metrics/confusion-matrix.ts';
import type { ModelAccuracy } from '../../core/model-metadata.ts';
import { evaluationBatches } from '../../core/preprocess/evaluation-batches.ts';
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
  const metrics = new ClassificationMetrics(model.classes);
  const matrix = new ConfusionMatrix(model.classes);
  const session = await ort.InferenceSession.create(model.bytes).catch((error: unknown) => {
    throw new UserError(`onnxruntime cannot load the model: ${errorMessage(error).split('\n')[0]}`);
  });
  try {
    let done = 0;
    for (const batch of evaluationBatches(dataset.test, dataset.normalization, options.batchSize)) {
      const images = new ort.Tensor('float32', batch.images, [batch.size, 3, model.height, model.width]);
      const { logits } = await session.run({ input: images }, ['logits']);
      const scores = logits!.data as Float32Array;
      metrics.add(scores, batch.labels, batch.size);
      matrix.add(scores, batch.labels, batch.size);
      done += batch.size;
      options.onProgress?.(done, metrics.result().top1);
    }
  } finally {
    await session.release();
  }
  return { accuracy: metrics.result(), matrix };
}
