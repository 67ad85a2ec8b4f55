import { UserError } from '../../errors.ts';
import type { DataType, Dim, Graph, GraphNode, TensorValue } from '../graph.ts';

/** Element type and dimensions of a value. */
export interface TensorShape {
  dtype: DataType;
  dims: Dim[];
}

/** How an operator computes in int8. */
export interface QuantizedOperator {
  /** Which inputs are activations. */
  activations: number[];
  /** For operators with a weight: the axis of the weight (input 1) that counts output channels. */
  channelAxis?: number;
  /** The output has the scale and zero point of the input: values are only moved or picked. */
  sameScale?: true;
  /** The output is not quantised with it: what adds a bias next reads float32. */
  floatOutput?: true;
  /** Its integer kernel clips the result, so that a ReLU after it costs nothing. */
  clips?: true;
}

/** All that is known of an operator of ai.onnx. The table of them is `OPERATORS`, in `index.ts`. */
export interface Operator {
  /**
   * The attributes that the rules here take into account or that change no shape. One of any other, as of operator
   * sets before 7, is refused.
   */
  attributes: readonly string[];
  /** The dimensions of its outputs, in order, those that may be left out too. @throws UserError if inputs do not fit */
  shape: ShapeRule;
  /** The element types of its outputs, in order; by default each has that of the first input. */
  types?: (context: TypeContext) => (DataType | undefined)[];
  /** What it makes of whole numbers known before the run, row-major: sizes, for the most part. */
  ints?: IntsRule;
  /**
   * The dimensions whose product is its multiply-accumulates, as papers count them: the elements it gives, times the
   * products summed up in each. Without: 0, as of what moves values or works on each by itself.
   */
  macs?: CostRule;
  /** The inputs that hold what a net learns where they are constants, e.g. `[1, 2]` of Conv; default any. */
  weights?: readonly number[];
  /**
   * The inputs that are its float ones, of an operator that loses little in float16. Sums over many values,
   * exponentials and norms are none: they stay in float32.
   */
  half?: 'all' | readonly number[];
  /**
   * How a node computes in int8; undefined, or without it, in float32. It is what onnxruntime's CPU provider fuses into
   * integer kernels (`qdq_selector_action_transformer.cc`): a pair of quantisations around anything else would only
   * cost time.
   */
  int8?: Int8Rule;
  /**
   * Its first output holds the values of its first input: all of them, in whichever order, form and type; all of them
   * rounded to few bits; or some, by their places.
   */
  moves?: 'all' | 'rounded' | 'some';
  /** It draws random numbers where it is run, under these conditions; by default none does. */
  random?: (node: GraphNode) => boolean;
}

export type ShapeRule = (context: ShapeContext) => Dim[][];
export type IntsRule = (context: ShapeContext) => Dim[] | undefined;
export type CostRule = (context: CostContext) => Dim[];
export type Int8Rule = (node: GraphNode, graph: Graph) => QuantizedOperator | undefined;

/** What the rule for element types sees of a node. */
export interface TypeContext {
  node: GraphNode;
  /** Of an input; undefined if it is left out or not known. */
  type(index: number): DataType | undefined;
}

/** What the rule for costs sees of a node. */
export interface CostContext {
  node: GraphNode;
  /** Of an input. @throws UserError if it is not known */
  input(index: number): Dim[];
  /** Of the first output. @throws UserError if it is not known */
  output(): Dim[];
  /** A UserError that names the node. */
  error(problem: string): UserError;
}

/** What the rules for shapes and whole numbers see of a node. */
export interface ShapeContext {
  node: GraphNode;
  /** The shape of an input. @throws UserError if the node has no such input */
  input(index: number): TensorShape;
  /** The shape of an optional input; undefined if it is left out. */
  optional(index: number): TensorShape | undefined;
  /**
   * The values of an input of whole numbers as far as they are known before the graph runs: a number, or a name that
   * stands for the size it names. Undefined if they are computed.
   */
  ints(index: number): Dim[] | undefined;
  /** The same if all of them are numbers. */
  constantInts(index: number): number[] | undefined;
  /** The value of an input that is a constant of the graph. */
  constant(index: number): TensorValue | undefined;
  /** A name for a size that only the run will tell: of dimension `axis` of an output of the node. */
  unknown(axis: number, output?: number): string;
  /** A UserError that names the node. */
  error(problem: string): UserError;
}

/** What is known of a graph's values while its shapes are worked out. */
export interface KnownValues {
  shapes: Map<string, TensorShape>;
  /** Those that are constants of the graph. */
  constants: Map<string, TensorValue>;
  /** Those of whole numbers that nodes compute of sizes. */
  ints: Map<string, Dim[]>;
}

/** Lists of sizes, axes and the like are short; longer ones are tables of indices, of no use to a shape. */
export const MOST_INTS = 256;
const WHOLE: readonly DataType[] = ['int64', 'int32', 'bool'];

/** Makes the context of a node. */
export function shapeContext(node: GraphNode, known: KnownValues): ShapeContext {
  const error = (problem: string): UserError => nodeError(node, problem);
  const optional = (index: number): TensorShape | undefined => {
    const name = node.inputs[index] ?? '';
    if (name === '') return undefined;
    const shape = known.shapes.get(name);
    if (!shape) throw error(`its input "${name}" is not defined before it`);
    return shape;
  };
  const ints = (index: number): Dim[] | undefined => {
    const name = node.inputs[index] ?? '';
    const constant = known.constants.get(name);
    if (!constant) return known.ints.get(name);
    const { dtype, data } = constant;
    return WHOLE.includes(dtype) && data.length <= MOST_INTS ? Array.from(data, Number) : undefined;
  };
  return {
    node,
    optional,
    error,
    ints,
    input(index) {
      const shape = optional(index);
      if (!shape) throw error(`input ${index} is missing`);
      return shape;
    },
    constantInts(index) {
      const values = ints(index);
      return values?.every((value) => typeof value === 'number') ? values : undefined;
    },
    constant: (index) => known.constants.get(node.inputs[index] ?? ''),
    unknown: (axis, output = 0) => `${node.outputs[output]}_${axis}`,
  };
}

export function nodeError(node: GraphNode, problem: string): UserError {
  return new UserError(`node "${node.name || node.outputs[0]}" (${node.op}): ${problem}`);
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
export function resolveAxis(context: Pick<ShapeContext, 'error'>, axis: number, rank: number): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (resolved < 0 || resolved >= rank) {
    throw context.error(`axis ${axis} is out of range for ${rank} dimensions`);
  }
  return resolved;
}

/** Throws unless an input has this many dimensions at least. */
export function requireRank(context: ShapeContext, index: number, rank: number, exactly = true): Dim[] {
  const { dims } = context.input(index);
  if (exactly ? dims.length !== rank : dims.length < rank) {
    throw context.error(
      `input ${index} is ${formatDims(dims)}, it needs ${rank} dimensions${exactly ? '' : ' or more'}`,
    );
  }
  return dims;
}

/**
 * Whole numbers that an operator takes as an attribute in older operator sets and as an input in newer ones.
 * @param what they are called in an error, with "are" or "is"
 * @returns undefined where the node gives neither
 * @throws UserError if they are computed
 */
export function intsOf(
  context: ShapeContext,
  attribute: string,
  index: number,
  what = `${attribute} are`,
): Dim[] | undefined {
  const given = context.node.attributes[attribute];
  if (given?.type === 'ints') return given.value;
  if (!context.optional(index)) return undefined;
  const values = context.ints(index);
  if (!values) {
    const [noun = ''] = what.split(' ');
    const supported = noun === 'shape' ? 'a constant shape is' : `constant ${noun} are`;
    throw context.error(`its ${what} computed, only ${supported} supported`);
  }
  return values;
}

/** Axes that a node gives as {@link intsOf} does, from 0 on. @throws UserError if one is there twice or out of range */
export function axesOf(context: ShapeContext, index: number, rank: number): number[] | undefined {
  const given = intsOf(context, 'axes', index);
  const axes = given?.map((axis) => resolveAxis(context, Number(axis), rank));
  if (axes && new Set(axes).size !== axes.length) throw context.error(`its axes [${given}] name one twice`);
  return axes;
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

/** The sum of dimensions: a number, a symbol if all others are 0, else undefined. */
export function sum(dims: readonly Dim[]): Dim | undefined {
  const size = dims.reduce<number>((total, dim) => (typeof dim === 'number' ? total + dim : total), 0);
  const symbols = dims.filter((dim) => typeof dim === 'string');
  if (symbols.length === 0) return size;
  return symbols.length === 1 && size === 0 ? symbols[0]! : undefined;
}

/**
 * The shape two shapes broadcast to, as in numpy: aligned at the end, ones stretched. A symbol beside a size
 * over one takes that size, for nothing else could be run; two different symbols give an unknown size.
 * @throws UserError if they do not broadcast
 */
export function broadcast(
  context: Pick<ShapeContext, 'error' | 'unknown'>,
  a: readonly Dim[],
  b: readonly Dim[],
): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis): Dim => {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    if (typeof x === 'number' && typeof y === 'number') {
      throw context.error(`${formatDims(a)} and ${formatDims(b)} do not broadcast`);
    }
    if (typeof x === 'number') return x;
    if (typeof y === 'number') return y;
    return context.unknown(axis);
  });
}

/** The shape rule of what works on each element by itself: the dimensions of the first input. */
export const sameShape: ShapeRule = (context) => [context.input(0).dims];
