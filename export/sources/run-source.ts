import { existsSync } from 'node:fs';
import { UserError } from '../../core/errors.ts';
import type { ModelAccuracy } from '../../core/model-metadata.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import type { RunDirectory } from '../../core/runs/run-directory.ts';
import { loadCheckpointWeights, withWeights } from '../../core/weights/checkpoint.ts';
import { modelOfRun } from '../../train/run-model.ts';
import { type DatasetFacts, datasetFacts, modelMetadata } from '../dataset-facts.ts';
import type { CheckpointChoice } from '../options.ts';
import { ExportSource } from './source.ts';

/**
 * The model a run trained.
 * @param data where the dataset is, for the label names of a run that did not store them
 * @throws UserError if the run, its checkpoint or its labels cannot be read
 */
export async function runSource(
  run: RunDirectory,
  checkpoint: CheckpointChoice,
  data?: string,
): Promise<ExportSource> {
  const config = await run.readConfig();
  const model = modelOf(config, run.configPath);
  const facts = await datasetFacts(config, run.configPath, data);
  const { graph, accuracy, licence } = await loadTrained(run, checkpoint, model, facts);
  // The labels are metadata of their own; where the data was is nobody else's business.
  const { labels: _, data: record, ...settings } = config;
  const { path: recorded, ...described } = (record ?? {}) as Record<string, unknown>;
  const trainingConfig = { ...settings, ...(record === undefined ? {} : { data: described }) };
  const metadata = {
    ...modelMetadata(model, facts),
    ...(accuracy && { accuracy }),
    ...(licence && { licence }),
    trainingConfig,
  };
  const description = `${run.path}, ${checkpoint} checkpoint`;
  return new ExportSource(metadata, graph, {
    ...{ description, trainedHere: true, parameters: parameterCount(graph) },
    ...(typeof recorded === 'string' && existsSync(recorded) && { recorded }),
  });
}

/** Only what the export needs is asked of a config, so that runs of older trainers can be exported. */
function modelOf(config: Record<string, unknown>, source: string): string {
  if (typeof config.model === 'string') return config.model;
  throw new UserError(`${source} names no model; it is not a training config`);
}

/** A zoo model with a checkpoint's weights. */
interface TrainedModel {
  graph: Graph;
  /** Of these very weights; absent if they were never evaluated. */
  accuracy?: ModelAccuracy;
  /** That of the weights the run went on from. */
  licence?: string;
}

/**
 * Builds a run's model with the weights of one of its checkpoints.
 * @throws UserError if the checkpoint is missing, truncated or of another model
 */
async function loadTrained(
  run: RunDirectory,
  which: CheckpointChoice,
  model: string,
  facts: DatasetFacts,
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
  const { graph, licence } = await modelOfRun(run, model, facts);
  // `last` may be saved amid an epoch, where the last evaluation was of older weights.
  let evaluated = which === 'best' ? progress.best : progress.batch === 0 ? progress.accuracy : undefined;
  // What is stated of a model is its accuracy on test images, which had no part in choosing it.
  if (progress.chosenOn === 'validation') evaluated = which === 'best' ? progress.test : undefined;
  return {
    graph: withWeights(graph, tensors, path),
    ...(evaluated ? { accuracy: evaluated } : {}),
    ...(licence && { licence }),
  };
}
