import { UserError } from '../../core/errors.ts';
import { type GraphNode, intAttribute, intsAttribute, type TensorValue } from '../../core/onnx/graph.ts';
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

/** How nodes act that act otherwise in training than in inference. */
export interface Mode {
  /** Normalised by the batch, which updates the running statistics, or by those. */
  batchNorm: 'train' | 'frozen';
  /** Number of the step, [], of which Dropout makes its masks; undefined: nothing is dropped. */
  step?: Value | undefined;
}

/** A node of the model as its rule sees it. */
export class TrainedNode {
  /** What `forward` returned. */
  outputs: readonly Value[] = [];

  constructor(
    readonly node: GraphNode,
    /** A number that no other node of the model has. */
    readonly position: number,
    readonly inputs: readonly (Value | undefined)[],
    /** As the model's shapes have its outputs; `forward` gives values of these. */
    readonly shapes: readonly Value[],
    private readonly wanted: ReadonlySet<string>,
    private readonly constants: ReadonlyMap<string, TensorValue>,
    readonly mode: Mode,
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

  /** The values of an input that is a constant, else undefined. */
  constant(index: number): number[] | undefined {
    const name = this.node.inputs[index] ?? '';
    const data = this.wanted.has(name) ? undefined : this.constants.get(name)?.data;
    return data && Array.from(data as Float32Array, Number);
  }

  /** The values of an input that must be a constant; undefined if it is left out. */
  numbers(index: number): number[] | undefined {
    const known = this.constant(index);
    const name = this.node.inputs[index] ?? '';
    if (!known && name !== '')
      throw this.refusal(`whose input ${index}, "${name}", is computed is not supported`);
    return known;
  }

  /** A bound of a range, an input of one value (before opset 11 an attribute); undefined if there is none. */
  bound(index: number): number | undefined {
    const attribute = this.node.attributes[index === 1 ? 'min' : 'max'];
    return attribute?.type === 'float' ? attribute.value : this.numbers(index)?.[0];
  }

  /** The attribute `axis`, counted from 0. */
  axis(fallback: number): number {
    const axis = intAttribute(this.node, 'axis', fallback);
    return axis < 0 ? axis + this.x.dims.length : axis;
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
