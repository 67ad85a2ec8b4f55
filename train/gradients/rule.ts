import { UserError } from '../../core/errors.ts';
import { type GraphNode, intsAttribute, type TensorValue } from '../../core/onnx/graph.ts';
import type { TrainingGraphBuilder, Value } from './training-graph.ts';

/**
 * How one operator takes part in training: mathematics alone, no layout, order or device. Both halves emit ONNX's
 * operators of opset 17, or operators of the domain `training` that each engine has its own way for.
 */
export interface Rule {
  /**
   * The operator as it acts while training; default: the node as it is.
   * @returns its outputs, and after them whatever `backward` wants to read
   */
  forward?(g: TrainingGraphBuilder, n: TrainedNode): Value[];
  /**
   * @param dy the loss's gradient with respect to each of the node's outputs; zeros where nothing depends on one
   * @returns that of each input, in the input's shape; undefined where there is none or `n.needs` says that it is
   *   not wanted
   */
  backward(g: TrainingGraphBuilder, n: TrainedNode, dy: readonly Value[]): (Value | undefined)[];
}

/** A node of the model as its rule sees it. */
export class TrainedNode {
  /** What `forward` returned. */
  outputs: readonly Value[] = [];

  constructor(
    readonly node: GraphNode,
    readonly inputs: readonly (Value | undefined)[],
    /** As the model's shapes have its outputs; `forward` gives values of these. */
    readonly shapes: readonly Value[],
    private readonly wanted: ReadonlySet<string>,
    private readonly constants: ReadonlyMap<string, TensorValue>,
    /** Tells what the batch shows of the running statistic that is input `index`. */
    readonly observe: (index: number, value: Value, momentum: number) => void,
  ) {}

  /** Input 0. */
  get x(): Value {
    return this.inputs[0]!;
  }

  /** Output 0, in `backward`. */
  get y(): Value {
    return this.outputs[0]!;
  }

  /** Whether input `index` is trained or depends on what is trained, so that its gradient is wanted. */
  needs(index: number): boolean {
    return this.wanted.has(this.node.inputs[index] ?? '');
  }

  /** The values of an input that does not depend on the images; undefined if it is left out. */
  numbers(index: number): number[] | undefined {
    const name = this.node.inputs[index] ?? '';
    if (name === '') return undefined;
    const constant = this.constants.get(name);
    if (!constant) throw this.refusal(`input ${index} must be a constant`);
    return Array.from(constant.data as Float32Array, Number);
  }

  /**
   * Axes, counted from 0, that the node gives as the attribute `axes` or, in later opsets, as an input.
   * @param index of that input
   * @param fallback where it gives none; default all
   */
  axes(index: number, fallback: readonly number[] = this.x.dims.map((_, axis) => axis)): number[] {
    const given = this.node.attributes.axes ? intsAttribute(this.node, 'axes', []) : this.numbers(index);
    return (given ?? fallback).map((axis) => (axis < 0 ? axis + this.x.dims.length : axis));
  }

  /** Emits the node as it is, perhaps with other attributes. */
  copy(g: TrainingGraphBuilder, attributes: GraphNode['attributes'] = this.node.attributes): Value[] {
    const inputs = this.inputs.map((input) => input?.name ?? '');
    return g.copy({ ...this.node, inputs, outputs: [...this.node.outputs], attributes }, this.shapes);
  }

  /** An error that names the node; `problem` says what of it cannot be trained. */
  refusal(problem: string): UserError {
    return new UserError(`${this.node.name || this.node.outputs[0]}: training a ${this.node.op} ${problem}`);
  }
}

/** Of an elementwise function of one input: `dx` is made of `dy`, `x` and `y`. */
export function unary(
  gradient: (g: TrainingGraphBuilder, dy: Value, n: TrainedNode) => Value,
  forward?: Rule['forward'],
): Rule {
  return {
    ...(forward ? { forward } : {}),
    backward: (g, n, [dy]) => [n.needs(0) ? gradient(g, dy!, n) : undefined],
  };
}
