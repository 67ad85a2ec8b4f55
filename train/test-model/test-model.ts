import type { ImageDataset } from '../../core/data/dataset.ts';
import { ClassificationMetrics } from '../../core/metrics/classification-metrics.ts';
import { ConfusionMatrix } from '../../core/metrics/confusion-matrix.ts';
import { evaluateModelBytes } from '../../core/metrics/evaluate-model.ts';
import type { ModelAccuracy } from '../../core/model-metadata.ts';
import type { LoadedModel } from './load-model.ts';

export interface TestModelOptions {
  batchSize: number;
  onProgress?: (images: number, top1: number) => void;
  /** Test images, by their place, that a second count leaves out. */
  leaveOut?: ReadonlySet<number> | undefined;
}

export interface TestOutcome {
  accuracy: ModelAccuracy;
  matrix: ConfusionMatrix;
  /** Of the images that were not left out. */
  withoutDuplicates?: ModelAccuracy & { leftOut: number };
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
  const { leaveOut, ...evaluation } = options;
  const matrix = new ConfusionMatrix(model.classes);
  const others = new ClassificationMetrics(model.classes);
  let first = 0;
  const accuracy = await evaluateModelBytes(model.bytes, dataset, dataset.test, {
    ...evaluation,
    onBatch: (logits, labels, n) => {
      matrix.add(logits, labels, n);
      for (let i = 0; leaveOut && i < n; i++) {
        if (leaveOut.has(first + i)) continue;
        others.add(logits.subarray(i * model.classes, (i + 1) * model.classes), labels.subarray(i, i + 1), 1);
      }
      first += n;
    },
  });
  if (!leaveOut) return { accuracy, matrix };
  const counted = others.result();
  return { accuracy, matrix, withoutDuplicates: { ...counted, leftOut: first - counted.images } };
}
