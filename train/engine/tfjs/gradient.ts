import type { Scalar, Tensor } from '@tensorflow/tfjs-node-gpu';
import type { Dim, Graph } from '../../../core/onnx/graph.ts';
import type { TensorFlow } from '../../../core/tensorflow/load-tfjs.ts';
import type { TfjsPrecision } from '../../precision.ts';
import type { VectorLayout } from '../../step/parameter-vector.ts';
import { type FilterOrder, filterDims } from './filter-order.ts';
import { GraphInterpreter } from './interpreter.ts';
import { buildBufferGraph, buildLossGraph } from './step-graphs.ts';
import { plain, plainAll, type Value } from './value.ts';

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

/** The loss of a classifier and its gradient, by interpreting the model's graph under tfjs's autodiff. */
export class LossGradient {
  readonly #model: GraphInterpreter;
  readonly #loss: GraphInterpreter;
  readonly #buffers: GraphInterpreter;
  readonly #input: { name: string; dims: number[] };
  readonly #output: { name: string; dims: number[] };

  /** @throws UserError if the model has an operator that cannot be trained */
  constructor(
    private readonly tf: TensorFlow,
    model: Graph,
    private readonly layout: VectorLayout,
    private readonly order: FilterOrder,
    batchSize: number,
    precision: TfjsPrecision = 'fp32',
  ) {
    const withBatch = (dims: readonly Dim[]) =>
      dims.map((dim) => (typeof dim === 'number' ? dim : batchSize));
    const [input, output] = [model.inputs[0]!, model.outputs[0]!];
    this.#input = { name: input.name, dims: withBatch(input.dims) };
    this.#output = { name: output.name, dims: withBatch(output.dims) };
    const fed = new Set([...layout.parameters, ...layout.buffers].map(({ name }) => name));
    this.#model = new GraphInterpreter(tf, model, fed, precision);
    this.#loss = new GraphInterpreter(tf, buildLossGraph(this.#output.dims));
    this.#buffers = new GraphInterpreter(tf, buildBufferGraph(model, layout));
  }

  /**
   * Forward and backward.
   * @param parameters [P], in the device's order, as is their gradient
   * @param buffers [B]
   * @param images [batch, 3, H, W]
   * @param targets [batch, classes]
   * @returns tensors that belong to the caller's tf.tidy
   */
  compute(parameters: Tensor, buffers: Tensor, images: Float32Array, targets: Float32Array): GradientTensors {
    const { tf } = this;
    // Kept, for what is found on the way to the loss would go with autodiff's own scope.
    let logits: Tensor | undefined;
    const observed: Record<string, Tensor> = {};
    const lossOf = (vector: Tensor): Scalar => {
      const input = tf.tensor(images, this.#input.dims);
      const outputs = this.#model.run(
        { ...this.#unpack(vector), [this.#input.name]: plain(input) },
        (name, tensor) => {
          observed[name] = tf.keep(tensor);
        },
      );
      logits = tf.keep(outputs[this.#output.name]!);
      const { loss } = this.#loss.run({
        logits: plain(logits),
        targets: plain(tf.tensor(targets, this.#output.dims)),
      });
      return loss as Scalar;
    };
    const { value: loss, grad: gradient } = tf.valueAndGrad((vector) => lossOf(vector as Tensor))(parameters);
    const { next_buffers } = this.#buffers.run(plainAll({ buffers, ...observed }));
    const results = { loss, logits: logits!.clone(), gradient, nextBuffers: next_buffers!.clone() };
    tf.dispose([logits!, observed]);
    return results;
  }

  dispose(): void {
    for (const part of [this.#model, this.#loss, this.#buffers]) part.dispose();
  }

  /** The vector of all parameters as the tensors that the model knows by name. */
  #unpack(vector: Tensor): Record<string, Value> {
    const { parameters } = this.layout;
    const parts = this.tf.split(
      vector,
      parameters.map(({ size }) => size),
    );
    return Object.fromEntries(
      parameters.map(({ name, dims }, i): [string, Value] => {
        const isFilter = this.order.isFilter(name);
        const tensor = this.tf.reshape(parts[i]!, isFilter ? filterDims(dims) : [...dims]);
        return [name, { tensor, layout: isFilter ? 'filter' : 'plain' }];
      }),
    );
  }
}
