import type { GraphNode } from '../../core/onnx/graph.ts';
import type { StepBuilder, StepTensor } from './step-builder.ts';

/** A running statistic's value after this step: `old * momentum + observed * (1 - momentum)`. */
export interface BufferUpdate {
  observed: StepTensor;
  momentum: number;
}

/** What the rules share while a graph is differentiated: forward values, gradients, running statistics. */
export class DifferentiationContext {
  readonly bufferUpdates = new Map<string, BufferUpdate>();
  readonly #values = new Map<string, StepTensor>();
  readonly #gradients = new Map<string, StepTensor>();
  readonly #needsGradient = new Set<string>();
  readonly #saved = new Map<GraphNode, unknown>();
  readonly #again = new Map<string, (gradient: StepTensor) => StepTensor>();
  #pending: StepTensor[] = [];

  constructor(readonly builder: StepBuilder) {}

  /** Names a forward value that gradients are wanted for, because it is a parameter or depends on one. */
  requireGradient(name: string): void {
    this.#needsGradient.add(name);
  }

  needsGradient(name: string): boolean {
    return this.#needsGradient.has(name);
  }

  bind(name: string, tensor: StepTensor): void {
    this.#values.set(name, tensor);
  }

  /** The step graph's tensor for a value of the forward graph. */
  value(name: string): StepTensor {
    const tensor = this.#values.get(name);
    if (!tensor) throw new Error(`the forward value "${name}" is read before it is computed`);
    return tensor;
  }

  /** As {@link value}, but an input that a node leaves out ('') is undefined. */
  optionalValue(name: string): StepTensor | undefined {
    return name === '' ? undefined : this.value(name);
  }

  /**
   * Lets the backward pass compute a value again, which costs less than keeping it from the forward pass on.
   * @param compute emits it so that it waits for the given gradient
   */
  computeAgain(name: string, compute: (gradient: StepTensor) => StepTensor): void {
    this.#again.set(name, compute);
  }

  /**
   * A forward value as the backward pass reads it: kept, or computed again.
   * @param gradient of something computed from it
   */
  valueAgain(name: string, gradient: StepTensor): StepTensor {
    const compute = this.#again.get(name);
    if (!compute) return this.value(name);
    const again = compute(gradient);
    this.#again.set(name, () => again);
    return again;
  }

  /** Keeps something of a node's forward pass for its backward pass. */
  save(node: GraphNode, state: unknown): void {
    this.#saved.set(node, state);
  }

  saved<T>(node: GraphNode): T {
    return this.#saved.get(node) as T;
  }

  /** Adds to the gradient of a forward value, in that value's layout; ignored where none is wanted. */
  accumulate(name: string, gradient: StepTensor): void {
    if (!this.needsGradient(name)) return;
    const value = this.value(name);
    if (gradient.dims.join() !== value.dims.join()) {
      throw new Error(`the gradient of "${name}" has shape [${gradient.dims}], the value [${value.dims}]`);
    }
    const inLayout = this.builder.toLayout(gradient, value.layout);
    const sum = this.#gradients.get(name);
    this.#gradients.set(name, sum ? this.builder.add(sum, inLayout) : inLayout);
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

  /** Adds to the gradient of a weight, see {@link afterWeightGradients}. */
  accumulateWeight(name: string, gradient: StepTensor): void {
    this.accumulate(name, gradient);
    this.#pending.push(gradient);
  }

  /** The gradient accumulated so far; undefined if nothing used the value. */
  gradient(name: string): StepTensor | undefined {
    return this.#gradients.get(name);
  }
}
