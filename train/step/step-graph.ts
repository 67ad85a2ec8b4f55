import type { Graph } from '../../core/onnx/graph.ts';
import { StepBuilder } from '../lowering/ort/step-builder.ts';
import { frozenOf, type OptimizerConfig } from '../optim/config.ts';
import type { OrtPrecision } from '../precision.ts';
import { emitGradient, type GradientConfig } from './gradient-graph.ts';
import { guardStep, readLossScale } from './loss-scaling.ts';
import { useMixedPrecision } from './mixed-precision.ts';
import { weightsFirst } from './node-order.ts';
import type { VectorLayout } from './parameter-vector.ts';
import { emitUpdate } from './update.ts';

export interface StepConfig extends GradientConfig {
  optimizer: OptimizerConfig;
  /** Default fp32; fp16 needs `portable`. */
  precision?: OrtPrecision;
  /** Also give the gradient of all parameters as the output `gradient`. */
  exposeGradient?: boolean;
}

/**
 * Emits one training step of a classifier as an ONNX graph that stock onnxruntime runs.
 *
 * Inputs: `images` [batch, 3, H, W], `targets` [batch, classes], `learning_rate` [] and the optimiser's other
 * scalars, and the state: `parameters` [P], `buffers` [B] (running statistics), laid out as `layout` says, and
 * the optimiser's slots, e.g. `momentum` [P].
 * Outputs: `loss` [], `logits` [batch, classes], and the next state: `next_parameters`, `next_buffers`,
 * `next_momentum`, ...
 */
export function buildStepGraph(model: Graph, layout: VectorLayout, config: StepConfig): Graph {
  const b = new StepBuilder(`${model.name}_step`, config.blockSize, config.portable);
  const { lossScaling } = config.optimizer;
  const scaled = lossScaling && readLossScale(b);
  const tensors = emitGradient(
    b,
    model,
    layout,
    { ...config, frozen: frozenOf(config.optimizer) },
    scaled?.scale,
  );
  const { buffers, loss, logits, nextBuffers } = tensors;
  if (config.precision === 'fp16') {
    useMixedPrecision(
      b,
      [loss, logits, tensors.gradient, nextBuffers].map(({ name }) => name),
    );
  }
  const guarded = scaled && guardStep(b, lossScaling, scaled, tensors.gradient);
  const sources = { ...tensors, ...guarded };
  emitUpdate(b, config.optimizer, layout, sources);
  b.output('loss', loss);
  b.output('logits', logits);
  b.output('next_buffers', guarded ? guarded.keep(nextBuffers, buffers) : nextBuffers);
  if (config.exposeGradient) b.output('gradient', sources.gradient);
  if (!b.portable) weightsFirst(b.graph);
  return b.graph;
}

/**
 * The optimiser alone, for gradients that were summed outside: the inputs and outputs of its part of
 * {@link buildStepGraph}, with `gradient` [P] and `next_buffers` [B] as further inputs.
 */
export function buildUpdateGraph(name: string, layout: VectorLayout, optimizer: OptimizerConfig): Graph {
  const b = new StepBuilder(`${name}_update`, 0);
  const parameters = b.input('parameters', [layout.parameterSize]);
  const gradient = b.input('gradient', [layout.parameterSize]);
  const nextBuffers = b.input('next_buffers', [layout.bufferSize]);
  emitUpdate(b, optimizer, layout, { parameters, gradient, nextBuffers });
  return b.graph;
}
