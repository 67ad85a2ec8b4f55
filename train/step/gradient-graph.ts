import type { Dim, Graph } from '../../core/onnx/graph.ts';
import { differentiateClassifier } from '../gradients/differentiate.ts';
import { Lowering } from '../lowering/ort/lower.ts';
import { LOWERINGS } from '../lowering/ort/operators.ts';
import { StepBuilder, type StepTensor } from '../lowering/ort/step-builder.ts';
import { weightsFirst } from './node-order.ts';
import type { Segment, VectorLayout } from './parameter-vector.ts';

export interface GradientConfig {
  batchSize: number;
  /** Channels in an NCHWc block on the machine that will run the graph; 0 for plain layouts only. */
  blockSize: number;
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
  batchSize: number,
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

  const names = layout.parameters.map((segment) => segment.name);
  const training = differentiateClassifier(model, {
    batchSize,
    parameters: names,
    buffers: layout.buffers.map((segment) => segment.name),
    lossScale: lossScale !== undefined,
  });
  const given = new Map(unpack(b, parameters, layout.parameters));
  given.set(training.images, images);
  given.set(training.targets, targets);
  if (training.lossScale !== undefined) given.set(training.lossScale, lossScale!);
  const again = b.portable ? [] : cutMatricesAgain(b, parameters, layout.parameters);
  const lowered = new Lowering(LOWERINGS, b, training, given, new Map(again));
  const gradient = pack(
    b,
    names.map((name) => b.toPlain(lowered.value(training.gradients.get(name)!))),
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
  const tensors = emitGradient(b, model, layout, config.batchSize);
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
  if (segments.length === 0) return old;
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
