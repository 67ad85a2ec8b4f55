import { UserError } from '../errors.ts';
import { buildModel, MODEL_NAMES } from '../models/zoo.ts';
import type { Graph } from '../onnx/graph.ts';
import { foldBatchNorm } from '../onnx/passes/fold-batch-norm.ts';
import { initializerRoles } from '../onnx/roles.ts';
import { candidateModels, classCount, someNames } from './detect-model.ts';
import type { TensorFile } from './safetensors.ts';

export interface FitOptions {
  /** A model of the zoo; left out: found by the tensors' names and shapes. */
  model?: string | undefined;
  /** Pixels; default 32. */
  imageSize?: number;
}

/** A zoo model with weights. */
export interface FittedModel {
  model: string;
  graph: Graph;
  /** True if the weights had batch norm folded in: the graph then has convs with biases and no batch norm. */
  folded: boolean;
}

/**
 * Builds the zoo model that tensors are of, with their values. Every parameter and running statistic must be
 * there in its shape, and no other tensor.
 * @throws UserError saying what is missing, unexpected or of another shape
 */
export function fitModel(
  tensors: TensorFile['tensors'],
  source: string,
  options: FitOptions = {},
): FittedModel {
  const numClasses = classCount(tensors, source);
  // Batch norm is in every net of the zoo, unless it was folded.
  const folded = ![...tensors.keys()].some((name) => name.endsWith('.running_mean'));
  const candidates = options.model === undefined ? candidateModels(tensors) : [options.model];
  let reason: string | undefined;
  for (const model of candidates) {
    const built = buildModel(model, { numClasses, imageSize: options.imageSize ?? 32 });
    const graph = folded ? foldBatchNorm(built) : built;
    const difference = compare(graph, tensors);
    if (difference === undefined) return { model, graph: withTensors(graph, tensors), folded };
    reason ??= `${source} does not fit ${model}: ${difference}`;
  }
  throw new UserError(reason ?? noCandidate(tensors, source));
}

function noCandidate(tensors: TensorFile['tensors'], source: string): string {
  return (
    `${source} fits no model of the zoo (${MODEL_NAMES.join(', ')}): ` +
    `its ${tensors.size} tensors are ${someNames([...tensors.keys()])}`
  );
}

/** What keeps tensors from being those of a graph; undefined if nothing does. */
function compare(graph: Graph, tensors: TensorFile['tensors']): string | undefined {
  const { parameters, buffers } = initializerRoles(graph);
  const wanted = new Set([...parameters, ...buffers]);
  const missing = [...wanted].filter((name) => !tensors.has(name));
  const unexpected = [...tensors.keys()].filter((name) => !wanted.has(name));
  const problems: string[] = [];
  if (missing.length > 0) problems.push(`it lacks ${someNames(missing)}`);
  if (unexpected.length > 0) problems.push(`it has ${someNames(unexpected)}, which the model has not`);
  for (const name of wanted) {
    const expected = graph.initializers.get(name)!.dims;
    const dims = tensors.get(name)?.dims;
    if (!dims || dims.join() === expected.join()) continue;
    problems.push(`"${name}" is [${dims}], the model needs [${expected}]`);
    break;
  }
  return problems.length > 0 ? problems.join('; ') : undefined;
}

function withTensors(graph: Graph, tensors: TensorFile['tensors']): Graph {
  const initializers = new Map(graph.initializers);
  for (const [name, { dims, data }] of tensors) {
    initializers.set(name, { dtype: 'float32', dims: [...dims], data });
  }
  return { ...graph, initializers };
}
