import type { Graph } from '../../core/onnx/graph.ts';
import { StepBuilder, type StepTensor } from '../autodiff/step-builder.ts';
import { emitGradient, type GradientConfig } from './gradient-graph.ts';
import type { VectorLayout } from './parameter-vector.ts';
import { type SgdConfig, sgdStep } from './sgd.ts';

export interface StepConfig extends GradientConfig {
  optimizer: SgdConfig;
  /** Also give the gradient of all parameters as the output `gradient`. */
  exposeGradient?: boolean;
}

/**
 * Emits one training step of a classifier as an ONNX graph that stock onnxruntime runs.
 *
 * Inputs: `images` [batch, 3, H, W], `targets` [batch, classes], `learning_rate` [], and the state:
 * `parameters` [P], `momentum` [P], `buffers` [B] (running statistics), laid out as `layout` says.
 * Outputs: `loss` [], `logits` [batch, classes], and the next state `next_parameters`, `next_momentum`,
 * `next_buffers`.
 */
export function buildStepGraph(model: Graph, layout: VectorLayout, config: StepConfig): Graph {
  const b = new StepBuilder(`${model.name}_step`, config.blockSize);
  const tensors = emitGradient(b, model, layout, config.batchSize);
  emitOptimizer(b, config.optimizer, tensors.parameters, tensors.gradient);
  b.output('loss', tensors.loss);
  b.output('logits', tensors.logits);
  b.output('next_buffers', tensors.nextBuffers);
  if (config.exposeGradient) b.output('gradient', tensors.gradient);
  return b.graph;
}

/**
 * The optimiser alone, for gradients that were summed outside: inputs `parameters`, `momentum`, `gradient`
 * [P] and `learning_rate` []; outputs `next_parameters` and `next_momentum`.
 */
export function buildOptimizerGraph(name: string, parameterSize: number, optimizer: SgdConfig): Graph {
  const b = new StepBuilder(`${name}_optimizer`, 0);
  const parameters = b.input('parameters', [parameterSize]);
  emitOptimizer(b, optimizer, parameters, b.input('gradient', [parameterSize]));
  return b.graph;
}

function emitOptimizer(
  b: StepBuilder,
  config: SgdConfig,
  parameters: StepTensor,
  gradient: StepTensor,
): void {
  const momentum = b.input('momentum', parameters.dims);
  const learningRate = b.input('learning_rate', []);
  const next = sgdStep(b, config, parameters, momentum, gradient, learningRate);
  b.output('next_parameters', next.parameters);
  b.output('next_momentum', next.momentum);
}
