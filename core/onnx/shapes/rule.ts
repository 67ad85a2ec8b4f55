import { UserError } from '../../errors.ts';
import type { DataType, Dim, GraphNode, TensorValue } from '../graph.ts';

/** Element type and dimensions of a value. */
export interface TensorShape {
  dtype: DataType;
  dims: Dim[];
}

/** What a shape rule sees of the node it is asked about. */
export interface RuleContext {
  node: GraphNode;
  /** The shape of an input. @throws UserError if the node has no such input */
  input(index: number): TensorShape;
  /** The shape of an optional input; undefined if it is left out. */
  optional(index: number): TensorShape | undefined;
  /** The values of an int64 input known before the graph runs; undefined if they are computed. */
  constantInts(index: number): number[] | undefined;
  /** A name for a size that only the run will tell: of dimension `axis` of the node's output. */
  unknown(axis: number): string;
  /** A UserError that names the node. */
  error(problem: string): UserError;
}

/** Gives the shapes of a node's outputs, in order, from those of its inputs; see the operator's ONNX spec. */
export type ShapeRule = (context: RuleContext) => TensorShape[];

/** Makes the context of a node. */
export function ruleContext(
  node: GraphNode,
  shapes: ReadonlyMap<string, TensorShape>,
  constants: ReadonlyMap<string, TensorValue>,
): RuleContext {
  const error = (problem: string): UserError =>
    new UserError(`node "${node.name || node.outputs[0]}" (${node.op}): ${problem}`);
  const optional = (index: number): TensorShape | undefined => {
    const name = node.inputs[index] ?? '';
    if (name === '') return undefined;
    const shape = shapes.get(name);
    if (!shape) throw error(`its input "${name}" is not defined before it`);
    return shape;
  };
  return {
    node,
    optional,
    error,
    input(index) {
      const shape = optional(index);
      if (!shape) throw error(`input ${index} is missing`);
      return shape;
    },
    constantInts(index) {
      const data = constants.get(node.inputs[index] ?? '')?.data;
      return data instanceof BigInt64Array ? Array.from(data, Number) : undefined;
    },
    unknown: (axis) => `${node.outputs[0]}_${axis}`,
  };
}

/** A shape as errors print it: `[batch, 3, 32, 32]`. */
export function formatDims(dims: readonly Dim[]): string {
  return `[${dims.join(', ')}]`;
}

/** Whether two dimensions can be the same size: equal, or one of them not known. */
export function compatible(a: Dim, b: Dim): boolean {
  return a === b || typeof a === 'string' || typeof b === 'string';
}

/** Resolves an axis that may count from the end. @throws UserError if it is out of range */
export function resolveAxis({ error }: RuleContext, axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (resolved < 0 || resolved >= rank) throw error(`axis ${axis} is out of range for ${rank} dimensions`);
  return resolved;
}

/** Throws unless an input has this many dimensions at least. */
export function requireRank(context: RuleContext, index: number, rank: number, exactly = true): Dim[] {
  const { dims } = context.input(index);
  if (exactly ? dims.length !== rank : dims.length < rank) {
    throw context.error(
      `input ${index} is ${formatDims(dims)}, it needs ${rank} dimensions${exactly ? '' : ' or more'}`,
    );
  }
  return dims;
}

/** The product of dimensions: a number, a symbol if it is the one factor beside ones, else undefined. */
export function product(dims: readonly Dim[]): Dim | undefined {
  let size = 1;
  const symbols: string[] = [];
  for (const dim of dims) {
    if (typeof dim === 'number') size *= dim;
    else symbols.push(dim);
  }
  // Nothing times an unknown size is still nothing.
  if (symbols.length === 0 || size === 0) return size;
  return symbols.length === 1 && size === 1 ? symbols[0]! : undefined;
}
