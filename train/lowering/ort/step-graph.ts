import type { Dim, Graph } from '../../../core/onnx/graph.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { differentiateClassifier } from '../../gradients/differentiate.ts';
import { clipGradient } from '../../optim/clip-gradient.ts';
import { createOptimizer, frozenOf, type OptimizerConfig, updateScalars } from '../../optim/config.ts';
import { guardStep, readLossScale } from '../../optim/loss-scaling.ts';
import type { OrtPrecision } from '../../precision.ts';
import type { Segment, VectorLayout } from '../../state.ts';
import { Lowering } from './lower.ts';
import { useMixedPrecision } from './mixed-precision.ts';
import { weightsFirst } from './node-order.ts';
import { LOWERINGS } from './operators.ts';
import { StepBuilder, type StepTensor } from './step-builder.ts';

/** That of which the operators of a training graph are; LayerNormalization and a ScatterElements that adds need it. */
const OPSET = 17;

/** The input [] that says what Dropout drops; a model without has none. */
export const DROPOUT_STEP = 'dropout_step';

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
 * scalars, `dropout_step` [] where the model has Dropout (see `dropoutStep`), and the state: `parameters` [P], `buffers` [B] (running statistics), laid out as `layout` says, and
 * the optimiser's slots, e.g. `momentum` [P].
 * Outputs: `loss` [], `logits` [batch, classes], and the next state: `next_parameters`, `next_buffers`,
 * `next_momentum`, ...
 */
export function buildStepGraph(model: Graph, layout: VectorLayout, config: StepConfig): Graph {
  const b = new StepBuilder(`${model.name}_step`, config.blockSize, config.portable);
  const { lossScaling } = config.optimizer;
  const scaled = lossScaling && readLossScale(b);
  const frozen = frozenOf(config.optimizer);
  const tensors = emitGradient(b, model, layout, { ...config, frozen }, scaled?.scale);
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

/** The file of a step graph, or of a part of one. */
export function encodeStep(graph: Graph): Uint8Array {
  return encodeModel(graph, {}, { opset: OPSET });
}

export interface GradientConfig {
  batchSize: number;
  /** Channels in an NCHWc block on the machine that will run the graph; 0 for plain layouts only. */
  blockSize: number;
  /** Parameters that are not trained: their gradient is zero. */
  frozen?: ReadonlySet<string> | undefined;
  /** Whether batch norm goes by the batch or by its running statistics, which then stay; default train. */
  batchNorm?: 'train' | 'frozen' | undefined;
  /** Use only ONNX's own operators, in forms that every execution provider runs; default false. */
  portable?: boolean;
}

/** What a training step knows before the optimiser acts. */
export interface GradientTensors {
  parameters: StepTensor;
  /** [B], running statistics before the step. */
  buffers: StepTensor;
  loss: StepTensor;
  logits: StepTensor;
  /** [P] */
  gradient: StepTensor;
  /** [B], running statistics after the step. */
  nextBuffers: StepTensor;
}

/**
 * Emits forward, loss and backward of a classifier. Adds the inputs `images` [batch, 3, H, W], `targets`
 * [batch, classes], `parameters` [P] and `buffers` [B] (running statistics), laid out as `layout` says.
 * @param lossScale [], what the gradient is multiplied by; default 1
 */
export function emitGradient(
  b: StepBuilder,
  model: Graph,
  layout: VectorLayout,
  { batchSize, frozen, batchNorm }: Pick<GradientConfig, 'batchSize' | 'frozen' | 'batchNorm'>,
  lossScale?: StepTensor,
): GradientTensors {
  const [input] = model.inputs;
  const [output] = model.outputs;
  if (!input || !output) throw new Error('the model needs an input and an output');
  const withBatch = (dims: readonly Dim[]) => dims.map((dim) => (typeof dim === 'number' ? dim : batchSize));
  const images = b.input('images', withBatch(input.dims));
  const targets = b.input('targets', withBatch(output.dims));
  const parameters = b.input('parameters', [layout.parameterSize]);
  const buffers = b.input('buffers', [layout.bufferSize]);

  const names = layout.parameters.map((segment) => segment.name).filter((name) => !frozen?.has(name));
  const training = differentiateClassifier(model, {
    batchSize,
    parameters: names,
    buffers: layout.buffers.map((segment) => segment.name),
    batchNorm,
    lossScale: lossScale !== undefined,
    dropout: true,
  });
  const given = new Map(unpack(b, parameters, layout.parameters));
  if (batchNorm === 'frozen') {
    for (const [name, tensor] of unpack(b, buffers, layout.buffers)) given.set(name, tensor);
  }
  given.set(training.images, images);
  given.set(training.targets, targets);
  if (training.lossScale !== undefined) given.set(training.lossScale, lossScale!);
  if (training.dropoutStep !== undefined) given.set(training.dropoutStep, b.input(DROPOUT_STEP, []));
  const again = b.portable ? [] : cutMatricesAgain(b, parameters, layout.parameters);
  const lowered = new Lowering(LOWERINGS, b, training, given, new Map(again));
  const gradient = pack(
    b,
    layout.parameters.map(({ name, size }) => {
      const gradient = training.gradients.get(name);
      return gradient === undefined ? b.expand(b.constant(0), [size]) : b.toPlain(lowered.value(gradient));
    }),
  );
  const updates = [...training.bufferUpdates].map(([name, { observed, momentum }]) => {
    return [name, { observed: lowered.value(observed), momentum }] as const;
  });
  return {
    parameters,
    buffers,
    loss: lowered.value(training.loss),
    logits: b.toPlain(lowered.value(training.logits)),
    gradient,
    nextBuffers: emitNextBuffers(b, buffers, layout.buffers, new Map(updates)),
  };
}

/**
 * A graph that gives `loss` [], `logits` [batch, classes], `gradient` [P] and `next_buffers` [B]; its inputs
 * are those of {@link emitGradient}.
 */
export function buildGradientGraph(model: Graph, layout: VectorLayout, config: GradientConfig): Graph {
  const b = new StepBuilder(`${model.name}_gradient`, config.blockSize, config.portable);
  const tensors = emitGradient(b, model, layout, config);
  b.output('loss', tensors.loss);
  b.output('logits', tensors.logits);
  b.output('gradient', tensors.gradient);
  b.output('next_buffers', tensors.nextBuffers);
  if (!b.portable) weightsFirst(b.graph);
  return b.graph;
}

function unpack(b: StepBuilder, vector: StepTensor, segments: readonly Segment[]): [string, StepTensor][] {
  const axis = vector.dims.length - 1;
  return segments.map(({ name, offset, size, dims }) => [
    name,
    b.reshape(b.slice(vector, axis, offset, offset + size), dims),
  ]);
}

/**
 * The weights that the backward pass reads, cut out of the vector a second time, and of a view that onnxruntime
 * does not take for the same: so no copies of them are held when memory is shortest, at the turn from forward
 * to backward.
 */
function cutMatricesAgain(b: StepBuilder, vector: StepTensor, segments: readonly Segment[]) {
  const matrices = segments.filter(({ dims }) => dims.length > 1);
  return unpack(b, b.reshape(vector, [1, vector.dims[0]!]), matrices);
}

function pack(b: StepBuilder, tensors: readonly StepTensor[]): StepTensor {
  return b.concat(
    tensors.map((tensor) => b.reshape(tensor, [tensor.dims.reduce((n, dim) => n * dim, 1)])),
    0,
  );
}

/** Emits the running statistics after a step, from the vector of the old ones and what the batch showed. */
export function emitNextBuffers(
  b: StepBuilder,
  old: StepTensor,
  segments: readonly Segment[],
  updates: ReadonlyMap<string, { observed: StepTensor; momentum: number }>,
): StepTensor {
  if (segments.length === 0 || updates.size === 0) return old;
  const observed = pack(
    b,
    segments.map((segment) => updates.get(segment.name)!.observed),
  );
  const weights = segments.flatMap((segment) =>
    new Array<number>(segment.size).fill(updates.get(segment.name)!.momentum),
  );
  const keep = b.constant(weights, [weights.length]);
  // observed + keep * (old - observed) is keep * old + (1 - keep) * observed in two passes.
  return b.add(observed, b.mul(keep, b.sub(old, observed)));
}

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

/** The scalars of optimisers that are learning rates. */
const RATES = ['learning_rate', 'step_size'];

/** Those scalars as vectors [P], where parameters have rates of their own. */
function ownRates(
  b: StepBuilder,
  { rates }: OptimizerConfig,
  layout: VectorLayout,
  scalars: Readonly<Record<string, StepTensor>>,
): Record<string, StepTensor> {
  if (!rates) return {};
  const factors = new Float32Array(layout.parameterSize).fill(1);
  for (const { name, offset, size } of layout.parameters) {
    factors.fill(rates[name] ?? 1, offset, offset + size);
  }
  const dims = [layout.parameterSize];
  const name = b.graphBuilder.initializer('rates', { dtype: 'float32', dims, data: factors });
  const vector: StepTensor = { name, dims, layout: 'plain' };
  const names = RATES.filter((name) => scalars[name]);
  return Object.fromEntries(names.map((name) => [name, b.mul(scalars[name]!, vector)]));
}

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
