import type { Attribute, GraphNode } from '../../../core/onnx/graph.ts';
import type { TrainingGraph } from '../../gradients/training-graph.ts';
import { fuseForTraining } from './fuse.ts';
import { plain, type StepBuilder, type StepTensor } from './step-builder.ts';

/** How one operator of a training graph is computed by onnxruntime: emits it and binds its outputs. */
export type OrtLowering = (lowering: Lowering, node: GraphNode) => void;

/**
 * A training graph on its way to onnxruntime. Each node is emitted by its entry in a table, where
 * formulations and layouts are chosen, or, if it has none, as it stands, in plain layout.
 */
export class Lowering {
  readonly #values: Map<string, StepTensor>;
  readonly #again = new Map<string, (gradient: StepTensor) => StepTensor>();
  readonly #saved = new Map<string, unknown>();
  #pending: StepTensor[] = [];

  /**
   * @param operators how each operator is computed, see `operators.ts`
   * @param given the step graph's tensors for inputs of the training graph
   * @param again tensors that the backward pass reads instead of those, so that those need not be kept
   */
  constructor(
    operators: ReadonlyMap<string, OrtLowering>,
    readonly builder: StepBuilder,
    readonly training: TrainingGraph,
    given: ReadonlyMap<string, StepTensor>,
    again: ReadonlyMap<string, StepTensor> = new Map(),
  ) {
    this.#values = new Map(given);
    const { nodes, backwardFrom } = fuseForTraining(training);
    for (const [i, node] of nodes.entries()) {
      if (i === backwardFrom) {
        builder.startBackward();
        for (const [name, tensor] of again) this.#values.set(name, tensor);
      }
      const key = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
      (operators.get(key) ?? asItStands)(this, node);
    }
  }

  /** The step graph's tensor for a value of the training graph. */
  value(name: string): StepTensor {
    const known = this.#values.get(name);
    if (known) return known;
    const constant = this.training.graph.initializers.get(name);
    if (!constant) throw new Error(`the value "${name}" is read before it is computed`);
    const { graphBuilder } = this.builder;
    const tensor = plain(graphBuilder.initializer(graphBuilder.unique(name), constant), constant.dims);
    this.#values.set(name, tensor);
    return tensor;
  }

  /** A node's inputs; undefined where one is left out. */
  inputs(node: GraphNode): (StepTensor | undefined)[] {
    return node.inputs.map((name) => (name === '' ? undefined : this.value(name)));
  }

  bind(name: string, tensor: StepTensor): void {
    const of = this.training.gradientOf.get(name);
    // What was fused away has no tensor, and no layout to keep to.
    const layout = this.#values.get(of ?? '')?.layout ?? tensor.layout;
    this.#values.set(name, this.builder.toLayout(tensor, layout));
  }

  /** The shape of a value of the training graph. */
  dims(name: string): readonly number[] {
    return this.training.values.get(name)!.dims;
  }

  /** Keeps something of the node that gives `output` for its backward pass. */
  save(output: string, state: unknown): void {
    this.#saved.set(output, state);
  }

  saved<T>(output: string): T | undefined {
    return this.#saved.get(output) as T | undefined;
  }

  /**
   * Lets the backward pass compute a value again, which costs less than keeping it from the forward pass on.
   * @param compute emits it so that it waits for the given gradient
   */
  recompute(name: string, compute: (gradient: StepTensor) => StepTensor): void {
    this.#again.set(name, compute);
  }

  /**
   * A forward value as the backward pass reads it: kept, or computed again.
   * @param gradient of something computed from it
   */
  keptOrRecomputed(name: string, gradient: StepTensor): StepTensor {
    const compute = this.#again.get(name);
    if (!compute) return this.value(name);
    const again = compute(gradient);
    this.#again.set(name, () => again);
    return again;
  }

  /**
   * A small vector on the way back to the input, made to wait for the gradients of weights that were emitted
   * since the last call: so each is computed where it stands, and what it is computed from is freed.
   */
  afterWeightGradients(vector: StepTensor): StepTensor {
    const pending = this.#pending;
    this.#pending = [];
    return this.builder.after(vector, pending);
  }

  /** Notes the gradient of a weight, see {@link afterWeightGradients}. */
  bindWeightGradient(name: string, gradient: StepTensor): void {
    this.bind(name, gradient);
    this.#pending.push(gradient);
  }
}

function asItStands(lowering: Lowering, node: GraphNode): void {
  const { builder: b } = lowering;
  const names = lowering.inputs(node).map((input) => (input ? b.toPlain(input).name : ''));
  const outputs = b.graphBuilder.nodes(
    node.op,
    names,
    node.outputs.length,
    node.attributes as Record<string, Attribute>,
    {
      domain: node.domain,
    },
  );
  node.outputs.forEach((name, i) => {
    if (name !== '') lowering.bind(name, plain(outputs[i]!, lowering.dims(name)));
  });
}
