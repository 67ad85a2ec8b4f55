import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Normalization } from '../../core/data/dataset.ts';
import { type DataRecord, readDatasetRecord } from '../../core/data/run-record.ts';
import { UserError } from '../../core/errors.ts';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { foldBatchNorm } from '../../core/onnx/passes/fold-batch-norm.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { fitModel } from '../../core/weights/fit-model.ts';
import { decodeWeights, readWeightsFile, weightsFormat } from '../../core/weights/load-weights.ts';

/** A model ready to run, and what its file says about the data it is for. */
export interface LoadedModel {
  /** An ONNX model. */
  bytes: Uint8Array;
  /** The zoo's name. */
  model: string;
  classes: number;
  /** Height and width of its images in pixels. */
  height: number;
  width: number;
  /** What it was trained on; undefined if nothing says so. */
  dataset?: string;
  labels?: string[];
  normalization?: Normalization;
  /** Where that was, and which of its images were held out. */
  data?: DataRecord;
}

const CIFAR_SIZE = 32;

/**
 * Makes a model of a weights file. An exported .onnx is run as it is; for a checkpoint (.safetensors, .pth)
 * the zoo model is built, with batch norm folded as the trainer and the export do.
 * @param model the zoo's name; left out: found by the tensors. An .onnx must be of that model
 * @throws UserError if the file cannot be read or does not fit the model
 */
export async function loadModel(path: string, model?: string): Promise<LoadedModel> {
  const bytes = await readWeightsFile(path);
  if (weightsFormat(bytes, path) === 'onnx') return fromOnnx(bytes, path, model);
  const { tensors, metadata, left } = decodeWeights(bytes, path);
  const config = await configOfRun(path);
  const { imageSize = CIFAR_SIZE, normalization, data } = readDatasetRecord(config, `the run of ${path}`);
  const fitted = fitModel(tensors, path, { model, left, imageSize });
  const dataset = metadata.dataset ?? config.dataset;
  return {
    bytes: encodeModel(foldBatchNorm(fitted.graph)),
    model: fitted.model,
    classes: Number(fitted.graph.outputs[0]!.dims[1]),
    height: imageSize,
    width: imageSize,
    ...(typeof dataset === 'string' ? { dataset } : {}),
    ...(normalization ? { normalization } : {}),
    ...(data ? { data } : {}),
  };
}

function fromOnnx(bytes: Uint8Array, path: string, model: string | undefined): LoadedModel {
  const metadata = decodeMetadata(decodeModel(bytes, path).metadata, path);
  if (model !== undefined && model !== metadata.model) {
    throw new UserError(`${path} is a ${metadata.model}, not a ${model}; leave out --model`);
  }
  if (metadata.scores === 'independent') {
    throw new UserError(
      `${path} gives every class a probability of its own, as a picture may show several: top-1 says nothing of it; ` +
        'if its classes do exclude each other, export it with "scores": "probabilities" in its JSON file',
    );
  }
  const { data } = readDatasetRecord(metadata.trainingConfig ?? {}, path);
  return {
    bytes,
    model: metadata.model,
    classes: metadata.labels.length,
    height: metadata.inputHeight,
    width: metadata.inputWidth,
    dataset: metadata.dataset,
    labels: metadata.labels,
    normalization: { mean: metadata.mean, std: metadata.std },
    ...(data ? { data } : {}),
  };
}

/** The config of the training run that a checkpoint lies in; empty if it lies in none. */
async function configOfRun(path: string): Promise<Record<string, unknown>> {
  const run = new RunDirectory(dirname(path));
  return existsSync(run.configPath) ? run.readConfig() : {};
}
