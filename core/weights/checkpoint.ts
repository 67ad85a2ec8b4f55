import { existsSync } from 'node:fs';
import { errorMessage, UserError } from '../errors.ts';
import { writeFileAtomic } from '../fs/atomic-write.ts';
import { readRegularFile } from '../fs/regular-file.ts';
import type { ModelAccuracy } from '../model-metadata.ts';
import type { Graph } from '../onnx/graph.ts';
import { initializerRoles } from '../onnx/roles.ts';
import { modelTensorNames } from './names.ts';
import { readSafetensors } from './read-safetensors.ts';
import { decodeSafetensors, encodeSafetensors, type TensorFile } from './safetensors.ts';

/** Where a run stands: what a resumed run needs beside weights and optimiser state. */
export interface CheckpointProgress {
  /** Epochs finished, and batches done of the next one. */
  epoch: number;
  batch: number;
  /** What those batches add to the epoch's line of the log; missing from older checkpoints. */
  soFar?: EpochSums;
  /** Optimiser steps taken in all. */
  steps?: number;
  /** Result on the test images (or see `chosenOn`) at the last evaluation, and the best one so far. */
  accuracy?: ModelAccuracy;
  best?: ModelAccuracy;
  /** How many epochs were finished when that was the best; missing from older checkpoints. */
  bestEpoch?: number;
  /** Where validation images chose the best epoch: the two above are of those. */
  chosenOn?: 'validation';
  /** And this is the result of the best epoch's weights on the test images, once the run is finished. */
  test?: ModelAccuracy;
}

/** Sums over the batches of an epoch. */
export interface EpochSums {
  batches: number;
  images: number;
  /** Images whose best class was right. */
  correct: number;
  /** Of the batches' mean losses, in nats. */
  loss: number;
  seconds: number;
  /** Of the last batch. */
  learningRate: number;
}

export interface Checkpoint {
  /** Parameters and running statistics by name; optimiser state under `optimizer.<slot>.<name>`. */
  tensors: TensorFile['tensors'];
  progress: CheckpointProgress;
}

/**
 * Writes a checkpoint as a safetensors file, atomically.
 * @param beforeRename called when the new file is whole and the old one still in place
 */
export function saveCheckpoint(
  path: string,
  checkpoint: Checkpoint,
  beforeRename?: () => Promise<void>,
): Promise<void> {
  const metadata = { format: 'pt', progress: JSON.stringify(checkpoint.progress) };
  return writeFileAtomic(path, encodeSafetensors({ tensors: checkpoint.tensors, metadata }), beforeRename);
}

/**
 * Reads a checkpoint.
 * @throws UserError if it is missing, truncated, or not one of ours
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  let bytes: Uint8Array;
  try {
    bytes = await readRegularFile(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new UserError(`cannot read the checkpoint ${path}${missing ? '' : `: ${errorMessage(error)}`}`);
  }
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  return { tensors, progress: readProgress(metadata, path) };
}

/**
 * Reads of a checkpoint what is evaluated and exported: the model's weights, averaged where an average is kept.
 * The optimiser's state does not get into memory.
 * @throws UserError as {@link loadCheckpoint}
 */
export async function loadCheckpointWeights(path: string): Promise<Checkpoint> {
  if (!existsSync(path)) throw new UserError(`cannot read the checkpoint ${path}`);
  const { tensors, metadata } = await readSafetensors(path, modelTensorNames);
  return { tensors, progress: readProgress(metadata, path) };
}

function readProgress(metadata: Readonly<Record<string, string>>, path: string): CheckpointProgress {
  const progress = parseProgress(metadata.progress ?? '');
  if (!progress) throw new UserError(`${path} is not a checkpoint: it does not say where the run stands`);
  return progress;
}

/** Before there were sums: where an epoch's evaluation was put off, its figures. */
interface OlderProgress {
  trained?: Record<'learningRate' | 'trainLoss' | 'trainTop1' | 'imagesPerSecond' | 'trainSeconds', number>;
}

function sumsOf(trained: NonNullable<OlderProgress['trained']>, batches: number): EpochSums {
  const { learningRate, trainLoss, trainTop1, imagesPerSecond, trainSeconds: seconds } = trained;
  const images = Math.round(imagesPerSecond * seconds);
  const sums = { images, correct: Math.round(trainTop1 * images), loss: trainLoss * batches };
  return { batches, ...sums, seconds, learningRate };
}

function parseProgress(json: string): CheckpointProgress | undefined {
  try {
    const progress = JSON.parse(json) as (CheckpointProgress & OlderProgress) | null;
    if (!Number.isInteger(progress?.epoch) || !Number.isInteger(progress?.batch)) return undefined;
    const { trained, ...current } = progress!;
    return trained ? { ...current, soFar: sumsOf(trained, current.batch) } : current;
  } catch {
    return undefined;
  }
}

/**
 * A copy of the graph with parameters and running statistics taken from tensors by name, and what else of it a version
 * has trained that took more for parameters.
 * @throws UserError if one is missing or has another shape
 */
export function withWeights(graph: Graph, tensors: TensorFile['tensors'], source: string): Graph {
  const initializers = new Map(graph.initializers);
  const roles = initializerRoles(graph);
  for (const name of [...roles.parameters, ...roles.buffers]) {
    const expected = graph.initializers.get(name)!.dims;
    const tensor = tensors.get(name);
    if (!tensor) throw new UserError(`${source} has no tensor "${name}"; it is not of model ${graph.name}`);
    if (tensor.dims.join() !== expected.join()) {
      throw new UserError(
        `${source}: tensor "${name}" is [${tensor.dims}], model ${graph.name} needs [${expected}]`,
      );
    }
    initializers.set(name, { dtype: 'float32', dims: expected, data: tensor.data });
  }
  for (const name of roles.constants) {
    const { dtype, dims } = graph.initializers.get(name)!;
    const tensor = dtype === 'float32' ? tensors.get(name) : undefined;
    if (tensor?.dims.join() === dims.join()) initializers.set(name, { dtype, dims, data: tensor!.data });
  }
  return { ...graph, initializers };
}
