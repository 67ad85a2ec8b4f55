import { join } from 'node:path';
import { errorMessage, UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import type { RunDirectory } from '../../core/runs/run-directory.ts';
import { encodeSafetensors } from '../../core/weights/safetensors.ts';
import { saveLast } from '../checkpointing.ts';
import { buildGradientGraph, buildUpdateGraph, encodeStep } from '../lowering/ort/step-graph.ts';
import { optimizerOf, type UpdateSettings } from '../optim/config.ts';
import type { ScheduleConfig } from '../schedule/schedule.ts';
import { initialState, vectorLayout } from '../state.ts';
import { describeStep, STEP_FILES, type StepDescription } from './describe.ts';
import { scalarTable } from './scalars.ts';

/** The part of a run's config that decides the graphs and their scalars; a batch is all shares together. */
export type StepConfig = ScheduleConfig & UpdateSettings;

export interface StepFilesOptions {
  /** Equal parts of the batch. */
  shares: number;
  /** Use only ONNX's own operators in the gradient graph; the update has no others. Default false. */
  portable?: boolean;
}

/** @throws UserError if a batch cannot be worked through in so many equal shares */
export function checkShares(batchSize: number, shares: number): void {
  if (batchSize % shares === 0) return;
  throw new UserError(
    `a batch of ${batchSize} has no ${shares} equal shares; change --batch-size or --processes`,
  );
}

/**
 * Writes a model's training step into a run's directory for programs outside of ours: the gradient graph of
 * one share of the batch, the update graph, the scalars of all steps, the state before the first, and a
 * description of it all. The graphs are in plain layouts, so that onnxruntime runs them on any machine and
 * device.
 * @param model with its initial weights
 * @throws UserError if the batch has no such shares, the model cannot be trained, or a file cannot be written
 */
export async function writeStepFiles(
  run: RunDirectory,
  model: Graph,
  config: StepConfig,
  { shares, portable = false }: StepFilesOptions,
): Promise<StepDescription> {
  const { batchSize, epochs, trainImages } = config;
  checkShares(batchSize, shares);
  const optimizer = optimizerOf(config);
  const layout = vectorLayout(model);
  const gradient = buildGradientGraph(model, layout, {
    batchSize: batchSize / shares,
    blockSize: 0,
    portable,
  });
  const update = buildUpdateGraph(model.name, layout, optimizer);
  const stepsPerEpoch = Math.floor(trainImages / batchSize);
  const description = describeStep(
    { gradient, update, layout, optimizer },
    { shares, epochs, stepsPerEpoch },
    'last.safetensors',
  );
  const scalars = encodeSafetensors({
    tensors: scalarTable(config, optimizer, stepsPerEpoch),
    metadata: {},
  });
  const write = (name: string, data: string | Uint8Array) => writeFileAtomic(join(run.path, name), data);
  try {
    await write(STEP_FILES.gradient, encodeStep(gradient));
    await write(STEP_FILES.update, encodeStep(update));
    await write(STEP_FILES.scalars, scalars);
    await saveLast(run, model, initialState(model, layout, optimizer), { epoch: 0, batch: 0 });
    // Last: where it is, the others are.
    await write(STEP_FILES.description, `${JSON.stringify(description, null, 2)}\n`);
  } catch (error) {
    throw new UserError(`cannot write to ${run.path}: ${errorMessage(error)}; give another --out`);
  }
  return description;
}
