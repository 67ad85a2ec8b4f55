import { UserError } from '../../core/errors.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import type { RunDirectory } from '../../core/runs/run-directory.ts';
import { datasetFacts, modelMetadata } from '../dataset-facts.ts';
import { loadTrained } from '../load-trained.ts';
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
  const { graph, accuracy } = await loadTrained(run, checkpoint, model, facts);
  // The labels are metadata of their own; where the data was is nobody else's business.
  const { labels: _, data: record, ...settings } = config;
  const { path: __, ...described } = (record ?? {}) as Record<string, unknown>;
  const trainingConfig = { ...settings, ...(record === undefined ? {} : { data: described }) };
  const metadata = { ...modelMetadata(model, facts), ...(accuracy ? { accuracy } : {}), trainingConfig };
  const description = `${run.path}, ${checkpoint} checkpoint`;
  return new ExportSource(metadata, graph, {
    ...{ description, trainedHere: true, parameters: parameterCount(graph) },
  });
}

/** Only what the export needs is asked of a config, so that runs of older trainers can be exported. */
function modelOf(config: Record<string, unknown>, source: string): string {
  if (typeof config.model === 'string') return config.model;
  throw new UserError(`${source} names no model; it is not a training config`);
}
