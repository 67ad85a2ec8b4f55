import { existsSync } from 'node:fs';
import { UserError } from '../core/errors.ts';
import type { ModelAccuracy } from '../core/model-metadata.ts';
import { buildModel } from '../core/models/zoo.ts';
import type { Graph } from '../core/onnx/graph.ts';
import type { RunDirectory } from '../core/runs/run-directory.ts';
import { loadCheckpointWeights, withWeights } from '../core/weights/checkpoint.ts';
import type { DatasetFacts } from './dataset-facts.ts';
import type { CheckpointChoice } from './options.ts';

/** A zoo model with a checkpoint's weights. */
export interface TrainedModel {
  graph: Graph;
  /** Of these very weights; absent if they were never evaluated. */
  accuracy?: ModelAccuracy;
}

/**
 * Builds a run's model with the weights of one of its checkpoints.
 * @throws UserError if the checkpoint is missing, truncated or of another model
 */
export async function loadTrained(
  run: RunDirectory,
  which: CheckpointChoice,
  model: string,
  { labels, height }: DatasetFacts,
): Promise<TrainedModel> {
  const path = run.checkpointPath(which);
  const other = which === 'best' ? 'last' : 'best';
  if (!existsSync(path) && existsSync(run.checkpointPath(other))) {
    throw new UserError(`${run.path} has no ${which} checkpoint, but --checkpoint ${other} can be exported`);
  }
  const { tensors, progress } = await loadCheckpointWeights(path).catch((error: unknown) => {
    if (!(error instanceof UserError) || !existsSync(run.checkpointPath(other))) throw error;
    throw new UserError(`${error.message}; --checkpoint ${other} can be exported too`);
  });
  const graph = buildModel(model, { numClasses: labels.length, imageSize: height });
  // `last` may be saved amid an epoch, where the last evaluation was of older weights.
  let evaluated = which === 'best' ? progress.best : progress.batch === 0 ? progress.accuracy : undefined;
  // What is stated of a model is its accuracy on test images, which had no part in choosing it.
  if (progress.chosenOn === 'validation') evaluated = which === 'best' ? progress.test : undefined;
  return {
    graph: withWeights(graph, tensors, path),
    ...(evaluated ? { accuracy: evaluated } : {}),
  };
}
