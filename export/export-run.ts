import { join } from 'node:path';
import { errorMessage, UserError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/fs/atomic-write.ts';
import { type ClassifierMetadata, encodeMetadata } from '../core/model-metadata.ts';
import { encodeModel } from '../core/onnx/model-file.ts';
import { foldBatchNorm } from '../core/onnx/passes/fold-batch-norm.ts';
import { parameterCount } from '../core/onnx/roles.ts';
import { datasetFacts, modelMetadata } from './dataset-facts.ts';
import { loadTrained } from './load-trained.ts';
import type { ExportOptions } from './options.ts';
import { verifyModel } from './verify.ts';

export interface ExportResult {
  path: string;
  /** Size of the file. */
  bytes: number;
  /** How many the model has, as the trainer counts them; the file, with batch norm folded, has fewer. */
  parameters: number;
  /** The verification's largest difference of a logit, relative to the largest logit. */
  maxDifference: number;
  metadata: ClassifierMetadata;
}

/** Where a model is exported to by default. */
export function defaultOutput(model: string): string {
  return join('exports', `${model}.onnx`);
}

/**
 * Exports a run as a model file (see `core/model-metadata.ts`): the zoo graph with the checkpoint's weights,
 * batch norm folded into the convs, any batch size, metadata inside. The file is verified against the
 * checkpoint before it is renamed into place; the same checkpoint gives the same bytes.
 * @throws UserError if the run, its checkpoint or its labels cannot be read, the verification fails, or the
 *   file cannot be written; nothing is left at `out` then but what was there
 */
export async function exportRun(options: ExportOptions): Promise<ExportResult> {
  const { run, checkpoint = 'best' } = options;
  const stored = await run.readConfig();
  const model = modelOf(stored, run.configPath);
  const facts = await datasetFacts(stored, run.configPath, options.data);
  const { graph, accuracy } = await loadTrained(run, checkpoint, model, facts);
  // The labels are metadata of their own.
  const { labels: _, ...trainingConfig } = stored;
  const metadata: ClassifierMetadata = {
    ...modelMetadata(model, facts),
    ...(accuracy ? { accuracy } : {}),
    trainingConfig,
  };
  const bytes = encodeModel(foldBatchNorm(graph), encodeMetadata(metadata));
  const path = options.out ?? defaultOutput(model);
  const maxDifference = await verifyModel(bytes, graph, path);
  try {
    await writeFileAtomic(path, bytes);
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${errorMessage(error)}; give another file with --out`);
  }
  return { path, bytes: bytes.length, parameters: parameterCount(graph), maxDifference, metadata };
}

/** Only what the export needs is asked of a config, so that runs of older trainers can be exported. */
function modelOf(config: Record<string, unknown>, source: string): string {
  if (typeof config.model === 'string') return config.model;
  throw new UserError(`${source} names no model; it is not a training config`);
}
