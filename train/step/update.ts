import type { StepBuilder, StepTensor } from '../lowering/ort/step-builder.ts';
import { clipGradient } from '../optim/clip-gradient.ts';
import { createOptimizer, type OptimizerConfig } from '../optim/config.ts';
import type { VectorLayout } from './parameter-vector.ts';

/** What an update reads of the step before it. */
export interface UpdateSources {
  parameters: StepTensor;
  gradient: StepTensor;
  /** [B], running statistics after the step; averaged along with the weights. */
  nextBuffers: StepTensor;
  /** Decides between a next value and the old one; default the next. */
  keep?: (next: StepTensor, old: StepTensor) => StepTensor;
}

/**
 * Emits the optimiser. Adds an input a slot (`momentum`, `exp_avg`, `ema`, ...) and a scalar input a number
 * that changes from step to step (see {@link updateScalars}), and the outputs `next_parameters` and
 * `next_<slot>`.
 */
export function emitUpdate(
  b: StepBuilder,
  config: OptimizerConfig,
  layout: VectorLayout,
  sources: UpdateSources,
): void {
  const { parameters, nextBuffers, keep = (value) => value } = sources;
  const optimizer = createOptimizer(config);
  const scalarNames = Object.keys(updateScalars(config, 0, 1));
  const scalars = Object.fromEntries(scalarNames.map((name) => [name, b.input(name, [])]));
  const slots = Object.fromEntries(optimizer.slots.map((name) => [name, b.input(name, parameters.dims)]));
  const gradient = config.clipNorm ? clipGradient(b, sources.gradient, config.clipNorm) : sources.gradient;
  const weightDecay = decayOf(b, config, layout);
  const next = optimizer.emit(b, {
    ...{ parameters, gradient, slots, weightDecay },
    scalars: { ...scalars, ...ownRates(b, config, layout, scalars) },
  });
  b.output('next_parameters', keep(next.parameters, parameters));
  for (const [name, tensor] of Object.entries(next.slots)) {
    b.output(`next_${name}`, keep(tensor, slots[name]!));
  }
  if (!config.emaDecay) return;
  const average = (slot: string, value: StepTensor) => {
    const old = b.input(slot, value.dims);
    // value + decay * (old - value) is decay * old + (1 - decay) * value in fewer passes.
    b.output(`next_${slot}`, keep(b.add(value, b.mul(scalars.ema_decay!, b.sub(old, value))), old));
  };
  average('ema', next.parameters);
  average('ema_buffers', nextBuffers);
}

/**
 * The scalar inputs of a step's update, by name.
 * @param step counted from 1
 */
export function updateScalars(
  config: OptimizerConfig,
  learningRate: number,
  step: number,
): Record<string, number> {
  const scalars = createOptimizer(config).scalars(learningRate, step);
  if (!config.emaDecay) return scalars;
  // The first weights are random; until enough steps are averaged they must not weigh as much as later ones
  // (the warm-up of TensorFlow's ExponentialMovingAverage).
  return { ...scalars, ema_decay: Math.min(config.emaDecay, (1 + step) / (10 + step)) };
}

/** The scalars that are learning rates as vectors [P], where parameters have rates of their own. */
function ownRates(
  b: StepBuilder,
  { rates }: OptimizerConfig,
  layout: VectorLayout,
  scalars: Readonly<Record<string, StepTensor>>,
): Record<string, StepTensor> {
  if (!rates) return {};
  const factors = new Float32Array(layout.parameterSize).fill(1);
  for (const { name, offset, size } of layout.parameters)
    factors.fill(rates[name] ?? 1, offset, offset + size);
  const dims = [layout.parameterSize];
  const vector = {
    name: b.graphBuilder.initializer('rates', { dtype: 'float32', dims, data: factors }),
    dims,
  };
  const names = RATES.filter((name) => scalars[name]);
  return Object.fromEntries(
    names.map((name) => [name, b.mul(scalars[name]!, { ...vector, layout: 'plain' as const })]),
  );
}

/** The scalars of optimisers that are learning rates. */
const RATES = ['learning_rate', 'step_size'];

function decayOf(b: StepBuilder, config: OptimizerConfig, layout: VectorLayout): StepTensor | undefined {
  if (config.weightDecay === 0) return undefined;
  if (!config.noBiasDecay) return b.constant(config.weightDecay);
  const mask = new Float32Array(layout.parameterSize);
  for (const { dims, offset, size } of layout.parameters) {
    if (dims.length > 1) mask.fill(config.weightDecay, offset, offset + size);
  }
  const name = b.graphBuilder.initializer('weight_decay', {
    dtype: 'float32',
    dims: [layout.parameterSize],
    data: mask,
  });
  return { name, dims: [layout.parameterSize], layout: 'plain' };
}
