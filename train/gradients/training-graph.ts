import { GraphBuilder } from '../../core/onnx/builder.ts';
import {
  type Attribute,
  type DataType,
  type Graph,
  type GraphNode,
  int,
  ints,
  sizeOf,
  str,
  type TensorValue,
} from '../../core/onnx/graph.ts';
import { dataTypeCode } from '../../core/onnx/tensor-proto.ts';

/** A value of the training graph; every size is known, the batch included. */
export interface Value {
  name: string;
  dims: readonly number[];
  dtype: DataType;
}

/**
 * The domain of the operators that exist between differentiation and lowering only: gradients that engines have
 * kernels or formulations of their own for. Where onnxruntime-training has such an operator, its name is used.
 *
 * | operator | inputs | outputs |
 * | --- | --- | --- |
 * | BatchNormInternal | X, scale, bias | Y; mean [C], unbiased variance [C] of the batch; saved mean, 1 / saved std |
 * | BatchNormalizationGrad | dY, X, scale, saved mean, saved 1 / std | dX, dScale, dBias |
 * | ConvGrad | dY, X, W | dX, dW, dB; '' where not wanted |
 * | ReluGrad, Relu6Grad | dY, Y | dX |
 * | GeluInternal | X | Y; phi(X), the normal distribution's function |
 * | GeluGrad | dY, X, phi(X) | dX |
 * | GlobalAveragePoolGrad | dY, X | dX |
 * | MaxPoolGrad | dY, X, Y | dX |
 * | AveragePoolGrad | dY, X | dX |
 * | SoftmaxCrossEntropy | logits [N, K], targets [N, K] | loss [], log-probabilities [N, K] |
 * | SoftmaxCrossEntropyGrad | log-probabilities, targets | the logits' |
 * | FusedMatMul | A, B (transA, transB) | a batched product of the last two axes |
 *
 * They have the attributes of the operator that they belong to, and a gradient names the output of its forward node
 * in the attribute `of`.
 */
export const TRAINING = 'training';

/** A running statistic's value after a step: `old * momentum + observed * (1 - momentum)`. */
export interface BufferUpdate {
  observed: string;
  momentum: number;
}

/**
 * A graph forwards in training mode and backwards, for any engine: ONNX's operators (opset 17) and those of
 * {@link TRAINING}. It says what is computed, not where, in which layout or in what order. Its inputs are the
 * model's, what gradients are wanted for, the buffers, and where the gradient comes from.
 */
export interface TrainingGraph {
  graph: Graph;
  values: ReadonlyMap<string, Value>;
  /** The values that are the model's outputs, by the names that those have in the model. */
  outputs: ReadonlyMap<string, string>;
  /** Index of the first node of the backward pass. */
  backwardFrom: number;
  /** The value that is the gradient of each parameter, by the parameter's name. */
  gradients: ReadonlyMap<string, string>;
  /** The forward value that a value of the backward pass is the gradient of, or part of it. */
  gradientOf: ReadonlyMap<string, string>;
  /** Running statistics to update, by initializer name. */
  bufferUpdates: ReadonlyMap<string, BufferUpdate>;
}

/** A training step of a classifier, without its optimiser: with the loss, from which the gradient comes. */
export interface ClassifierStep extends TrainingGraph {
  /** The input [batch, 3, H, W], and the one of the targets [batch, classes]. */
  images: string;
  targets: string;
  /** The input [] that the gradient is multiplied by. */
  lossScale?: string;
  /** The input [], the number of the step, a whole one below 2^24, of which Dropout makes its masks. */
  dropoutStep?: string;
  loss: string;
  logits: string;
}

/** Operators that give truth values. */
const COMPARISONS: ReadonlySet<string> = new Set([
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Equal',
  'And',
]);

/** Emits nodes of a training graph and keeps track of their shapes: what rules are written with. */
export class TrainingGraphBuilder {
  readonly graphBuilder: GraphBuilder;
  readonly values = new Map<string, Value>();
  readonly #placed = new Map<string, { value: Value; before: readonly number[] }>();

  constructor(name: string) {
    this.graphBuilder = new GraphBuilder(name);
  }

  get graph(): Graph {
    return this.graphBuilder.graph;
  }

  /** Makes a value known that is emitted or given elsewhere. */
  know(name: string, dims: readonly number[], dtype: DataType = 'float32'): Value {
    const value = { name, dims: [...dims], dtype };
    this.values.set(name, value);
    return value;
  }

  input(name: string, dims: readonly number[], dtype: DataType = 'float32'): Value {
    return this.know(this.graphBuilder.input(name, dtype, dims), dims, dtype);
  }

  initializer(name: string, tensor: TensorValue): Value {
    return this.know(this.graphBuilder.initializer(name, tensor), tensor.dims, tensor.dtype);
  }

  /** Makes values outputs of the graph, under their names. */
  output(...values: readonly Value[]): void {
    const known = new Set(this.graph.outputs.map(({ name }) => name));
    for (const { name, dtype, dims } of values)
      if (!known.has(name)) this.graphBuilder.output(name, dtype, dims);
  }

  /** A float32 constant: a scalar, or `dims` of values. */
  constant(values: number | readonly number[], dims: readonly number[] = []): Value {
    return this.know(this.graphBuilder.float32(values, dims), dims);
  }

  /** An int64 constant vector. */
  integers(values: readonly number[], dims: readonly number[] = [values.length]): Value {
    return this.know(this.graphBuilder.int64(values, dims), dims, 'int64');
  }

  /** A float32 constant of any size, not shared. */
  table(hint: string, dims: readonly number[], data: Float32Array): Value {
    return this.initializer(this.graphBuilder.unique(hint), { dtype: 'float32', dims: [...dims], data });
  }

  /** A node as it stands in the model, under its own names. */
  copy(node: GraphNode, outputs: readonly { dims: readonly number[]; dtype: DataType }[]): Value[] {
    this.graph.nodes.push(node);
    return node.outputs.map((name, i) => this.know(name, outputs[i]!.dims, outputs[i]!.dtype));
  }

  /** Any node with one output of known shape; its type is that of the first float input unless said. */
  node(
    op: string,
    inputs: readonly (Value | undefined)[],
    dims: readonly number[],
    attributes: Record<string, Attribute> = {},
    options: { domain?: string; dtype?: DataType } = {},
  ): Value {
    return this.nodes(op, inputs, [dims], attributes, options)[0]!;
  }

  /** A node with several outputs; undefined dims: that output is left out. */
  nodes<D extends readonly (readonly number[] | undefined)[]>(
    op: string,
    inputs: readonly (Value | undefined)[],
    dims: D,
    attributes: Record<string, Attribute> = {},
    { domain = '', dtype = 'float32' }: { domain?: string; dtype?: DataType } = {},
  ): { [K in keyof D]: D[K] extends readonly number[] ? Value : Value | undefined } {
    const names = inputs.map((input) => input?.name ?? '');
    const outputs = this.graphBuilder.nodes(op, names, dims.length, attributes, { domain });
    const { outputs: written } = this.graph.nodes.at(-1)!;
    return dims.map((shape, i) => {
      if (shape) return this.know(outputs[i]!, shape, dtype);
      written[i] = '';
      return undefined;
    }) as { [K in keyof D]: D[K] extends readonly number[] ? Value : Value | undefined };
  }

  /** An elementwise operator with numpy's broadcasting. */
  elementwise(op: string, ...inputs: readonly Value[]): Value {
    const dims = inputs.map((input) => input.dims).reduce(broadcastDims);
    const dtype = COMPARISONS.has(op) ? 'bool' : inputs.at(-1)!.dtype;
    return this.node(op, inputs, dims, {}, { dtype });
  }

  add = (a: Value, b: Value): Value => this.elementwise('Add', a, b);
  sub = (a: Value, b: Value): Value => this.elementwise('Sub', a, b);
  mul = (a: Value, b: Value): Value => this.elementwise('Mul', a, b);
  div = (a: Value, b: Value): Value => this.elementwise('Div', a, b);
  /** Times a number. */
  scale = (a: Value, factor: number): Value => (factor === 1 ? a : this.mul(a, this.constant(factor)));
  /** Plus a number. */
  shift = (a: Value, amount: number): Value => (amount === 0 ? a : this.add(a, this.constant(amount)));
  neg = (a: Value): Value => this.elementwise('Neg', a);
  exp = (a: Value): Value => this.elementwise('Exp', a);
  log = (a: Value): Value => this.elementwise('Log', a);
  sqrt = (a: Value): Value => this.elementwise('Sqrt', a);
  square = (a: Value): Value => this.mul(a, a);
  reciprocal = (a: Value): Value => this.elementwise('Reciprocal', a);
  floor = (a: Value): Value => this.elementwise('Floor', a);
  sigmoid = (a: Value): Value => this.elementwise('Sigmoid', a);
  tanh = (a: Value): Value => this.elementwise('Tanh', a);
  erf = (a: Value): Value => this.elementwise('Erf', a);
  pow = (a: Value, exponent: Value): Value => this.elementwise('Pow', a, exponent);
  greater = (a: Value, b: Value): Value => this.elementwise('Greater', a, b);
  less = (a: Value, b: Value): Value => this.elementwise('Less', a, b);
  equal = (a: Value, b: Value): Value => this.elementwise('Equal', a, b);
  and = (a: Value, b: Value): Value => this.elementwise('And', a, b);
  where = (condition: Value, a: Value, b: Value): Value => this.elementwise('Where', condition, a, b);

  /** Truth values as factors 0 and 1. */
  toFactor = (condition: Value): Value => this.cast(condition, 'float32');

  cast(a: Value, dtype: DataType): Value {
    if (a.dtype === dtype) return a;
    return this.node('Cast', [a], a.dims, { to: int(dataTypeCode(dtype)) }, { dtype });
  }

  reshape(a: Value, dims: readonly number[]): Value {
    if (sizeOf(dims) !== sizeOf(a.dims)) throw new Error(`cannot reshape [${a.dims}] to [${dims}]`);
    if (dims.join() === a.dims.join()) return a;
    return this.node('Reshape', [a, this.integers(dims)], dims, {}, { dtype: a.dtype });
  }

  transpose(a: Value, perm: readonly number[]): Value {
    if (perm.every((axis, i) => axis === i)) return a;
    const dims = perm.map((axis) => a.dims[axis]!);
    return this.node('Transpose', [a], dims, { perm: ints(perm) }, { dtype: a.dtype });
  }

  expand(a: Value, dims: readonly number[]): Value {
    if (dims.join() === a.dims.join()) return a;
    return this.node('Expand', [a, this.integers(dims)], dims, {}, { dtype: a.dtype });
  }

  /** Padding with a constant; `before` and `after` give an amount an axis, which if negative cuts. */
  pad(a: Value, before: readonly number[], after: readonly number[], value = 0): Value {
    if ([...before, ...after].every((amount) => amount === 0)) return a;
    const dims = a.dims.map((dim, axis) => dim + before[axis]! + after[axis]!);
    const padding = value === 0 ? [] : [this.constant(value)];
    const padded = this.node('Pad', [a, this.integers([...before, ...after]), ...padding], dims);
    if (value === 0) this.#placed.set(padded.name, { value: a, before });
    return padded;
  }

  /** What lies in a value that has zeros around it, and where; undefined if it is not known to be one. */
  placedIn({ name }: Value): { value: Value; before: readonly number[] } | undefined {
    return this.#placed.get(name);
  }

  /** `a[start:end:step]` on one axis; for a negative step, from `start` down to `end`, both counted from 0. */
  slice(a: Value, axis: number, start: number, end: number, step = 1): Value {
    if (start === 0 && end === a.dims[axis] && step === 1) return a;
    const dims = a.dims.map((dim, i) => (i === axis ? Math.max(0, Math.ceil((end - start) / step)) : dim));
    // An end before the first value would be counted from the last.
    const bound = end < 0 ? -(a.dims[axis]! + 1) : end;
    const bounds = [start, bound, axis, step].map((value) => this.integers([value]));
    return this.node('Slice', [a, ...bounds], dims, {}, { dtype: a.dtype });
  }

  concat(parts: readonly Value[], axis: number): Value {
    if (parts.length === 1) return parts[0]!;
    const total = parts.reduce((sum, part) => sum + part.dims[axis]!, 0);
    const dims = parts[0]!.dims.map((dim, i) => (i === axis ? total : dim));
    return this.node('Concat', parts, dims, { axis: int(axis) }, { dtype: parts[0]!.dtype });
  }

  /** Sum over `axes`; the reduced axes are dropped unless `keep`. */
  reduceSum(a: Value, axes: readonly number[], keep = false): Value {
    if (axes.length === 0) return a;
    const attributes = { keepdims: int(keep ? 1 : 0) };
    return this.node('ReduceSum', [a, this.integers(axes)], reducedDims(a.dims, axes, keep), attributes);
  }

  /** Mean over `axes`; the reduced axes are dropped unless `keep`. */
  reduceMean(a: Value, axes: readonly number[], keep = false): Value {
    if (axes.length === 0) return a;
    const attributes = { axes: ints(axes), keepdims: int(keep ? 1 : 0) };
    return this.node('ReduceMean', [a], reducedDims(a.dims, axes, keep), attributes);
  }

  /** Largest values over `axes`, which are kept with size 1. */
  reduceMax(a: Value, axes: readonly number[]): Value {
    const attributes = { axes: ints(axes), keepdims: int(1) };
    return this.node('ReduceMax', [a], reducedDims(a.dims, axes, true), attributes);
  }

  /** What `indices` pick along an axis: the axis is replaced by the dimensions of `indices`. */
  gather(a: Value, indices: Value, axis: number): Value {
    const dims = [...a.dims.slice(0, axis), ...indices.dims, ...a.dims.slice(axis + 1)];
    return this.node('Gather', [a, indices], dims, { axis: int(axis) }, { dtype: a.dtype });
  }

  /** Zeros of shape `dims` with `updates` added at `indices`, whose last axis counts coordinates. */
  scatterAdd(dims: readonly number[], indices: Value, updates: Value): Value {
    return this.node('ScatterND', [this.zeros(dims), indices, updates], dims, { reduction: str('add') });
  }

  /** Batched matrix product of the last two axes, either side transposed on the fly. */
  matmul(a: Value, b: Value, transA = false, transB = false): Value {
    const rows = transA ? a.dims.at(-1)! : a.dims.at(-2)!;
    const columns = transB ? b.dims.at(-2)! : b.dims.at(-1)!;
    const dims = [...broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2)), rows, columns];
    if (!transA && !transB) return this.node('MatMul', [a, b], dims);
    const attributes = { transA: int(transA ? 1 : 0), transB: int(transB ? 1 : 0) };
    if (a.dims.length === 2 && b.dims.length === 2) return this.node('Gemm', [a, b], dims, attributes);
    return this.node('FusedMatMul', [a, b], dims, attributes, { domain: TRAINING });
  }

  /** Undoes numpy's broadcasting in a gradient: sums over the axes along which a value of shape `dims` was repeated. */
  sumTo(gradient: Value, dims: readonly number[]): Value {
    const from = gradient.dims;
    if (from.join() === dims.join()) return gradient;
    const missing = from.length - dims.length;
    const axes = from
      .map((_, axis) => axis)
      .filter((axis) => axis < missing || dims[axis - missing] !== from[axis]);
    return this.reshape(this.reduceSum(gradient, axes, true), dims);
  }

  zeros(dims: readonly number[]): Value {
    return this.expand(this.constant(0), dims);
  }
}

/** The shape of an elementwise result. @throws Error if the shapes do not fit */
export function broadcastDims(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`cannot broadcast [${a}] with [${b}]`);
    return x === 1 ? y : x;
  });
}

export function reducedDims(dims: readonly number[], axes: readonly number[], keep: boolean): number[] {
  return dims.map((dim, i) => (axes.includes(i) ? 1 : dim)).filter((_, i) => keep || !axes.includes(i));
}
