import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { Graph } from '../../../core/onnx/graph.ts';
import type { TensorFlow } from '../../../core/tensorflow/load-tfjs.ts';
import { differentiateClassifier } from '../../gradients/differentiate.ts';
import type { ClassifierStep } from '../../gradients/training-graph.ts';
import type { TfjsPrecision } from '../../precision.ts';
import type { Segment, VectorLayout } from '../../state.ts';
import type { GradientConfig } from '../ort/step-graph.ts';
import { type FilterOrder, filterDims } from './filter-order.ts';
import { GraphInterpreter } from './interpreter.ts';
import { Kernels } from './kernels.ts';
import { channelsLast, plain, toChannelsLast, toFilter, toPlain, type Value } from './value.ts';

/** What a training step knows before the optimiser acts. */
export interface GradientTensors {
  /** Mean of the part of the batch, []. */
  loss: Tensor;
  /** [part, classes] */
  logits: Tensor;
  /** [P] */
  gradient: Tensor;
  /** [B], running statistics after the step. */
  nextBuffers: Tensor;
}

/** The loss of a classifier and its gradient, by interpreting its training graph. */
export class LossGradient {
  readonly #k: Kernels;
  readonly #step: ClassifierStep;
  readonly #interpreter: GraphInterpreter;
  /** [B], how much of the old running statistics stays. */
  readonly #momentum: Tensor;

  /** @throws UserError if the model has an operator that cannot be trained */
  constructor(
    tf: TensorFlow,
    model: Graph,
    private readonly layout: VectorLayout,
    private readonly order: FilterOrder,
    batchSize: number,
    precision: TfjsPrecision = 'fp32',
    { frozen, batchNorm }: Pick<GradientConfig, 'frozen' | 'batchNorm'> = {},
  ) {
    this.#k = new Kernels(tf);
    this.#step = differentiateClassifier(model, {
      batchSize,
      parameters: layout.parameters.map(({ name }) => name).filter((name) => !frozen?.has(name)),
      batchNorm,
      buffers: layout.buffers.map(({ name }) => name),
      dropout: true,
    });
    this.#interpreter = new GraphInterpreter(tf, this.#step, precision);
    const momenta = layout.buffers.flatMap(({ name, size }) =>
      new Array<number>(size).fill(this.#step.bufferUpdates.get(name)?.momentum ?? 1),
    );
    this.#momentum = tf.keep(tf.tensor1d(momenta));
  }

  /**
   * Forward and backward.
   * @param parameters [P], in the device's order, as is their gradient
   * @param buffers [B]
   * @param images [batch, 3, H, W]
   * @param targets [batch, classes]
   * @param dropoutStep what Dropout drops, see `dropoutStep`
   * @returns tensors that belong to the caller's tf.tidy
   */
  compute(
    parameters: Tensor,
    buffers: Tensor,
    images: Float32Array,
    targets: Float32Array,
    dropoutStep: number,
  ): GradientTensors {
    return this.#k.tf.tidy(() => {
      const step = this.#step;
      const { tf } = this.#k;
      const oldBuffers = this.#unpack(buffers, this.layout.buffers);
      const dims = (name: string) => [...step.values.get(name)!.dims];
      const outputs = this.#interpreter.run({
        ...this.#unpack(parameters, this.layout.parameters),
        ...oldBuffers,
        // The first convolution reads them so, forward and back.
        [step.images]: channelsLast(toChannelsLast(this.#k, plain(tf.tensor(images, dims(step.images))))),
        [step.targets]: plain(tf.tensor(targets, dims(step.targets))),
        ...(step.dropoutStep === undefined ? {} : { [step.dropoutStep]: plain(tf.scalar(dropoutStep)) }),
      });
      const output = (name: string) => outputs.get(name)!;
      const observed = this.layout.buffers.map(({ name }) => {
        const update = step.bufferUpdates.get(name);
        return update ? output(update.observed) : oldBuffers[name]!;
      });
      const gradients = this.layout.parameters.map(({ name }) => {
        const gradient = step.gradients.get(name);
        return gradient === undefined ? undefined : output(gradient);
      });
      return {
        loss: output(step.loss).tensor,
        logits: toPlain(this.#k, output(step.logits)),
        gradient: this.#pack(gradients, this.layout.parameters),
        nextBuffers:
          observed.length === 0
            ? buffers
            : this.#averaged(buffers, this.#pack(observed, this.layout.buffers)),
      };
    });
  }

  dispose(): void {
    this.#interpreter.dispose();
    this.#momentum.dispose();
  }

  /** A vector as the tensors that the model knows by name. */
  #unpack(vector: Tensor, segments: readonly Segment[]): Record<string, Value> {
    const sizes = segments.map(({ size }) => size);
    const parts = segments.length === 0 ? [] : this.#k.split(vector, sizes, 0);
    return Object.fromEntries(
      segments.map(({ name, dims }, i): [string, Value] => {
        const isFilter = this.order.isFilter(name);
        const tensor = this.#k.reshape(parts[i]!, isFilter ? filterDims(dims) : dims);
        return [name, { tensor, layout: isFilter ? 'filter' : 'plain' }];
      }),
    );
  }

  /** Zeros for what has no value. */
  #pack(values: readonly (Value | undefined)[], segments: readonly Segment[]): Tensor {
    const parts = segments.map(({ name, size }, i) => {
      const value = values[i];
      if (!value) return this.#k.tf.zeros([size]);
      const ordered = this.order.isFilter(name) ? toFilter : toPlain;
      return this.#k.reshape(ordered(this.#k, value), [size]);
    });
    return this.#k.concat(parts, 0);
  }

  /** observed + momentum * (old - observed), which is momentum * old + (1 - momentum) * observed in fewer passes. */
  #averaged(old: Tensor, observed: Tensor): Tensor {
    const k = this.#k;
    return k.add(observed, k.mul(this.#momentum, k.sub(old, observed)));
  }
}
