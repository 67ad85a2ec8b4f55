import type { Dim, Graph } from '../../core/onnx/graph.ts';
import { emitForward } from '../autodiff/differentiate.ts';
import { plain, StepBuilder, type StepTensor } from '../autodiff/step-builder.ts';
import { crossEntropy } from './cross-entropy.ts';
import type { Segment, VectorLayout } from './parameter-vector.ts';
import { type SgdConfig, sgdStep } from './sgd.ts';

export interface StepConfig {
  batchSize: number;
  optimizer: SgdConfig;
  /** Channels in an NCHWc block on the machine that will run the step; 0 for plain layouts only. */
  blockSize: number;
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
  const [input] = model.inputs;
  const [output] = model.outputs;
  if (!input || !output) throw new Error('the model needs an input and an output');
  const withBatch = (dims: readonly Dim[]) =>
    dims.map((dim) => (typeof dim === 'number' ? dim : config.batchSize));

  const images = b.input('images', withBatch(input.dims));
  const targets = b.input('targets', withBatch(output.dims));
  const learningRate = b.input('learning_rate', []);
  const parameters = b.input('parameters', [layout.parameterSize]);
  const momentum = b.input('momentum', [layout.parameterSize]);
  const buffers = b.input('buffers', [layout.bufferSize]);

  const values = new Map<string, StepTensor>([[input.name, images]]);
  for (const [name, tensor] of model.initializers) {
    values.set(name, plain(name, tensor.dims));
  }
  for (const [name, tensor] of unpack(b, parameters, layout.parameters)) values.set(name, tensor);
  for (const name of [...values.keys()]) {
    const isConstant = name !== input.name && !layout.parameters.some((segment) => segment.name === name);
    const isBuffer = layout.buffers.some((segment) => segment.name === name);
    if (isConstant && !isBuffer) b.graphBuilder.initializer(name, model.initializers.get(name)!);
  }

  const names = layout.parameters.map((segment) => segment.name);
  const forward = emitForward(b, model, values, names);
  const logits = b.toPlain(forward.value(output.name));
  const { loss, gradient: seed } = crossEntropy(b, logits, targets);
  const gradients = forward.backward(new Map([[output.name, seed]]), names);
  const gradient = pack(
    b,
    names.map((name) => gradients.get(name)!),
  );
  const next = sgdStep(b, config.optimizer, parameters, momentum, gradient, learningRate);

  b.output('loss', loss);
  b.output('logits', logits);
  b.output('next_parameters', next.parameters);
  b.output('next_momentum', next.momentum);
  b.output('next_buffers', nextBuffers(b, buffers, layout.buffers, forward.bufferUpdates));
  if (config.exposeGradient) b.output('gradient', gradient);
  return b.graph;
}

function unpack(b: StepBuilder, vector: StepTensor, segments: readonly Segment[]): [string, StepTensor][] {
  const parts = b.splitVector(
    vector,
    segments.map((segment) => segment.size),
  );
  return segments.map((segment, i) => [segment.name, b.reshape(parts[i]!, segment.dims)]);
}

function pack(b: StepBuilder, tensors: readonly StepTensor[]): StepTensor {
  return b.concat(
    tensors.map((tensor) => b.reshape(tensor, [tensor.dims.reduce((n, dim) => n * dim, 1)])),
    0,
  );
}

function nextBuffers(
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
