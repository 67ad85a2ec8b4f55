import { IMAGENET_CLASSES } from '../../core/data/imagenet/imagenet.ts';
import { UserError } from '../../core/errors.ts';
import { DISK } from '../../core/fs/file-tree.ts';
import { storedLabels } from '../../core/label-forms.ts';
import { readLabels } from '../../core/labels.ts';
import { type ClassifierMetadata, decodeAnyMetadata, isOurs } from '../../core/model-metadata.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { classCount, fitModel } from '../../core/weights/fit-model.ts';
import { describeWeights, type LoadedWeights, loadWeights } from '../../core/weights/load-weights.ts';
import { type DatasetFacts, datasetFacts, imagenetFacts, modelMetadata } from '../dataset-facts.ts';
import { ExportSource } from './source.ts';

export interface WeightsSourceOptions {
  /** The zoo's name; left out: found by the tensors. */
  model?: string | undefined;
  /** The entry of a PyTorch checkpoint that is the state dict; left out: found by the usual names. */
  key?: string | undefined;
  /** What the weights were trained on; default: what the file says, else `cifar100`. */
  dataset?: string | undefined;
  /** Where that dataset is, for its label names. */
  data?: string | undefined;
  /** A file of label names, instead of the dataset's. */
  labels?: string | undefined;
}

/**
 * The zoo model that a .pth, .safetensors or .onnx file has the weights of. What an .onnx file of this project
 * says of its model is kept.
 * @throws UserError if the file cannot be read or fits no model, or the labels are not as many as its classes
 */
export async function weightsSource(path: string, options: WeightsSourceOptions = {}): Promise<ExportSource> {
  return (await sourceOf(await loadWeights(path, { key: options.key }), path, options)).source;
}

/**
 * The source of weights that were loaded already, whether batch norm was folded into them, and what lay beside.
 */
export async function sourceOf(
  weights: LoadedWeights,
  path: string,
  options: WeightsSourceOptions = {},
): Promise<{ source: ExportSource; folded: boolean; beside: string[] }> {
  RunDirectory.refuseOwnNet(path, (run) => `for npm run export give --run ${run} instead of --weights`);
  const stored = storedMetadata(weights, path, options);
  const failAsOfNoNet = (error: unknown): never => {
    // Of a net that is not known, its data's names would be of no use.
    fitModel(weights.tensors, path, { model: options.model, left: weights.left });
    throw error;
  };
  const facts = stored ? undefined : await toldFacts(weights, path, options).catch(failAsOfNoNet);
  const { model, graph, folded, beside } = fitModel(weights.tensors, path, {
    model: options.model,
    left: weights.left,
    imageSize: stored?.inputHeight ?? facts?.height,
  });
  const [, classes] = graph.outputs[0]!.dims;
  const known = facts ?? {
    ...(await imagenetFacts(model, Number(graph.inputs[0]!.dims[2]))),
    ...(options.labels !== undefined && { labels: await readLabels(options.labels, DISK) }),
  };
  const metadata = stored ? { ...stored, model } : modelMetadata(model, known);
  if (classes !== metadata.labels.length) {
    throw new UserError(
      `${path} tells ${classes} classes apart, but there are ${metadata.labels.length} labels ` +
        `(${options.labels ?? metadata.dataset}); give the right --labels or --dataset`,
    );
  }
  const trainedHere = metadata.trainingConfig !== undefined;
  // The values that batch norm had are not in weights it was folded into.
  const learned = folded
    ? buildModel(model, { numClasses: metadata.labels.length, imageSize: metadata.inputHeight })
    : graph;
  const remarks = describeWeights(weights, beside);
  const origin = { description: path, trainedHere, parameters: parameterCount(learned), remarks };
  return { source: new ExportSource(metadata, graph, origin), folded, beside };
}

/** The metadata of a model file of ours, as of a plain float32 model; undefined for other weights. */
function storedMetadata(
  { format, metadata: props }: LoadedWeights,
  path: string,
  { dataset, labels }: WeightsSourceOptions,
): ClassifierMetadata | undefined {
  const told = dataset !== undefined || labels !== undefined;
  if (format !== 'onnx' || !isOurs(props) || told) return undefined;
  const { preprocessing: _, precision: __, agreement: ___, ...rest } = decodeAnyMetadata(props, path);
  return { ...rest, inputLayout: 'NCHW' };
}

/**
 * What the options and the file say of the data; undefined where they say nothing of it and the classes are as many
 * as ImageNet's, which then they are.
 */
async function toldFacts(
  { tensors, left, metadata }: LoadedWeights,
  path: string,
  options: WeightsSourceOptions,
): Promise<DatasetFacts | undefined> {
  const told = options.dataset ?? metadata.dataset;
  if (told === undefined && classCount(tensors, path, left) === IMAGENET_CLASSES) return undefined;
  const dataset = told ?? 'cifar100';
  const stored = dataset === metadata.dataset ? storedLabels(metadata.labels) : undefined;
  const labels = options.labels === undefined ? stored : await readLabels(options.labels, DISK);
  return datasetFacts({ dataset, ...(labels ? { labels } : {}) }, path, options.data);
}
