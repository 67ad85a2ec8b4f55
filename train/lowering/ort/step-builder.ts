import { GraphBuilder } from '../../../core/onnx/builder.ts';
import {
  type Attribute,
  type DataType,
  type Graph,
  int,
  ints,
  sizeOf,
  type TensorValue,
} from '../../../core/onnx/graph.ts';
import { dataTypeCode } from '../../../core/onnx/tensor-proto.ts';
import { broadcastDims, reducedDims } from '../../gradients/training-graph.ts';

/**
 * How a rank-4 activation lies in memory.
 * `plain`: row-major NCHW. `blocked`: onnxruntime's NCHWc, [N, C/b, H, W, b] with the channel block b innermost,
 * which its direct convolution kernels read; dims stay the logical NCHW ones.
 */
export type Layout = 'plain' | 'blocked';

/** A value of the training-step graph; every size is known, the batch included. */
export interface StepTensor {
  name: string;
  dims: readonly number[];
  layout: Layout;
  /** Of an activation that is not float32. */
  dtype?: DataType;
}

/** A stored list of rows of a matrix. */
export interface RowIndex {
  name: string;
  count: number;
  /** The last row that it names. */
  last: number;
}

export const MICROSOFT = 'com.microsoft';
export const NCHWC = 'com.microsoft.nchwc';

/** Emits training-step nodes and keeps track of their shapes. All helpers work on `plain` row-major data. */
export class StepBuilder {
  readonly graphBuilder: GraphBuilder;
  readonly #plain = new Map<string, StepTensor>();
  readonly #blocked = new Map<string, StepTensor>();
  readonly #indices = new Map<string, RowIndex>();
  #backward = false;

  /**
   * @param blockSize channels in an NCHWc block on this machine; 0 where onnxruntime has no such kernels
   * @param portable use only ONNX's own operators, in forms that every execution provider runs
   */
  constructor(
    name: string,
    readonly blockSize: number,
    readonly portable = false,
  ) {
    this.graphBuilder = new GraphBuilder(name);
  }

  get graph(): Graph {
    return this.graphBuilder.graph;
  }

  input(name: string, dims: readonly number[]): StepTensor {
    return plain(this.graphBuilder.input(name, 'float32', dims), dims);
  }

  /** Makes `tensor` a graph output called `name`. */
  output(name: string, tensor: StepTensor): void {
    this.graphBuilder.node('Identity', [this.toPlain(tensor).name], {}, { name });
    this.graphBuilder.output(name, 'float32', tensor.dims);
  }

  /** From here on what is emitted belongs to the backward pass. */
  startBackward(): void {
    this.#backward = true;
  }

  /**
   * Dims that no value of the other pass has: in the backward pass, with an axis of 1 before them. onnxruntime
   * gives values of equal shapes one buffer, where their lives do not overlap, and keeps it in between: what the
   * forward pass needs for a moment would be held until the backward pass is there again.
   */
  ofThisPass(dims: readonly number[]): number[] {
    return this.#backward ? [1, ...dims] : [...dims];
  }

  /** A float32 constant: a scalar, or `dims` of values. */
  constant(values: number | readonly number[], dims: readonly number[] = []): StepTensor {
    return plain(this.graphBuilder.float32(values, dims), dims);
  }

  /** Any node with one output of known shape. */
  node(
    op: string,
    inputs: readonly (StepTensor | string)[],
    dims: readonly number[],
    attributes: Record<string, Attribute> = {},
    options: { domain?: string; layout?: Layout } = {},
  ): StepTensor {
    const names = inputs.map((input) => (typeof input === 'string' ? input : input.name));
    const builderOptions = options.domain === undefined ? {} : { domain: options.domain };
    const name = this.graphBuilder.node(op, names, attributes, builderOptions);
    return { name, dims: [...dims], layout: options.layout ?? 'plain' };
  }

  /** Elementwise op of two tensors, numpy broadcasting; both must be of the same layout unless one is small. */
  binary(op: string, a: StepTensor, b: StepTensor): StepTensor {
    const dims = broadcastDims(a.dims, b.dims);
    const layout = sizeOf(a.dims) >= sizeOf(b.dims) ? a.layout : b.layout;
    return this.node(op, [a, b], dims, {}, { layout });
  }

  /**
   * Elementwise op on values of any layout, of any number; undefined: an input that is left out. The result lies as
   * the first of the inputs of its shape, as far as the others can be read so: of equal shape, one value, or one a
   * channel or a channel of an image.
   */
  elementwise(
    op: string,
    inputs: readonly (StepTensor | undefined)[],
    dims: readonly number[],
    attributes: Record<string, Attribute> = {},
    dtype: DataType = 'float32',
  ): StepTensor {
    const isWhole = (input: StepTensor) => input.dims.join() === dims.join();
    const given = inputs.filter((input) => input !== undefined);
    const [n, c, h, w] = dims as [number, number, number, number];
    // Truth values are laid out anew at three times the cost of others.
    const leads = given.find(({ layout, dtype }) => layout === 'blocked' && dtype) ?? given.find(isWhole);
    const shapes = new Set([[c, 1, 1].join(), [1, c, 1, 1].join(), [n, c, 1, 1].join()]);
    const isValue = (input: StepTensor) => sizeOf(input.dims) === 1 && input.dims.length <= 4;
    const others = given.filter((input) => !isWhole(input) && !isValue(input));
    const emit = (values: readonly (StepTensor | undefined)[], shape: readonly number[], layout: Layout) => ({
      ...this.node(
        op,
        values.map((value) => value ?? ''),
        shape,
        attributes,
        { layout },
      ),
      ...(dtype === 'float32' ? {} : { dtype }),
    });
    const map = (change: (input: StepTensor) => StepTensor) => inputs.map((input) => input && change(input));
    if (leads?.layout !== 'blocked' || others.some((input) => !shapes.has(input.dims.join()))) {
      return emit(
        map((input) => this.toPlain(input)),
        dims,
        'plain',
      );
    }
    if (others.length === 0)
      return emit(
        map((input) => (isWhole(input) ? this.toBlocked(input) : input)),
        dims,
        'blocked',
      );
    // With the pixels as one axis, the channels of a block are the last.
    const blocks = [c / this.blockSize, 1, this.blockSize];
    const view = (input: StepTensor) => {
      if (isWhole(input)) return this.blockView(this.toBlocked(input));
      if (isValue(input)) return input;
      return this.reshape(
        this.toPlain(input),
        input.dims[0] === n && input.dims.length === 4 ? [n, ...blocks] : blocks,
      );
    };
    return this.fromBlockView(emit(map(view), [n, blocks[0]!, h * w, this.blockSize], 'plain'), dims);
  }

  add = (a: StepTensor, b: StepTensor): StepTensor => this.binary('Add', a, b);
  sub = (a: StepTensor, b: StepTensor): StepTensor => this.binary('Sub', a, b);
  mul = (a: StepTensor, b: StepTensor): StepTensor => this.binary('Mul', a, b);
  div = (a: StepTensor, b: StepTensor): StepTensor => this.binary('Div', a, b);

  /** Elementwise op of one tensor; keeps shape and layout. */
  unary(op: string, a: StepTensor): StepTensor {
    return this.node(op, [a], a.dims, {}, { layout: a.layout });
  }

  reshape(a: StepTensor, dims: readonly number[]): StepTensor {
    if (sizeOf(dims) !== sizeOf(a.dims)) throw new Error(`cannot reshape [${a.dims}] to [${dims}]`);
    if (dims.length === a.dims.length && dims.every((dim, i) => dim === a.dims[i]))
      return { ...a, layout: 'plain' };
    return this.node('Reshape', [a, this.graphBuilder.int64(dims)], dims);
  }

  transpose(a: StepTensor, perm: readonly number[]): StepTensor {
    const dims = perm.map((axis) => a.dims[axis]!);
    return this.node('Transpose', [a], dims, { perm: ints(perm) });
  }

  /** Zero padding; `before` and `after` give an amount an axis, which if negative cuts. */
  pad(a: StepTensor, before: readonly number[], after: readonly number[]): StepTensor {
    if ([...before, ...after].every((amount) => amount === 0)) return a;
    const dims = a.dims.map((dim, axis) => dim + before[axis]! + after[axis]!);
    return this.node('Pad', [a, this.graphBuilder.int64([...before, ...after])], dims);
  }

  /** `a[start:end:step]` on one axis. */
  slice(a: StepTensor, axis: number, start: number, end: number, step = 1): StepTensor {
    if (start === 0 && end === a.dims[axis] && step === 1) return a;
    const dims = a.dims.map((dim, i) => (i === axis ? Math.ceil((end - start) / step) : dim));
    const b = this.graphBuilder;
    return this.node('Slice', [a, b.int64([start]), b.int64([end]), b.int64([axis]), b.int64([step])], dims);
  }

  /** The box `start` (inclusive) to `end` (exclusive), a bound an axis. */
  window(a: StepTensor, start: readonly number[], end: readonly number[]): StepTensor {
    const axes = a.dims
      .map((_, axis) => axis)
      .filter((axis) => start[axis]! > 0 || end[axis]! < a.dims[axis]!);
    if (axes.length === 0) return a;
    const b = this.graphBuilder;
    const dims = a.dims.map((_, axis) => end[axis]! - start[axis]!);
    const bounds = [axes.map((axis) => start[axis]!), axes.map((axis) => end[axis]!), axes];
    return this.node('Slice', [a, ...bounds.map((values) => b.int64(values))], dims);
  }

  concat(parts: readonly StepTensor[], axis: number): StepTensor {
    if (parts.length === 1) return parts[0]!;
    const total = parts.reduce((sum, part) => sum + part.dims[axis]!, 0);
    const dims = parts[0]!.dims.map((dim, i) => (i === axis ? total : dim));
    return this.node('Concat', parts, dims, { axis: int(axis) });
  }

  gather(a: StepTensor, axis: number, indices: readonly number[]): StepTensor {
    const dims = a.dims.map((dim, i) => (i === axis ? indices.length : dim));
    return this.node('Gather', [a, this.graphBuilder.int64(indices)], dims, { axis: int(axis) });
  }

  /**
   * A list of rows too long for {@link gather}'s.
   * @param key stands for the list: equal keys, equal lists, which are made and stored once
   */
  rowIndex(key: string, make: () => Int32Array): RowIndex {
    return memoize(this.#indices, key, () => {
      const data = make();
      const value: TensorValue = { dtype: 'int32', dims: [data.length], data };
      const name = this.graphBuilder.initializer(this.graphBuilder.unique('rows'), value);
      return { name, count: data.length, last: data.reduce((last, row) => Math.max(last, row), -1) };
    });
  }

  /** Rows of a matrix [..., rows, columns]. */
  gatherRows(a: StepTensor, index: RowIndex): StepTensor {
    const dims = [...a.dims.slice(0, -2), index.count, a.dims.at(-1)!];
    return this.node('Gather', [a, index.name], dims, { axis: int(a.dims.length - 2) });
  }

  /**
   * A vector whose readers wait for `others` too. onnxruntime runs a node just before its first reader, the
   * last input first: what hangs on nothing that is late (the masks of all ReLUs) is computed and held early,
   * and what nobody waits for (the gradients of the weights) late, with all that it is computed from.
   */
  after(a: StepTensor, others: readonly StepTensor[]): StepTensor {
    if (this.portable || others.length === 0) return a;
    const nothing = others.map((other) => this.slice(this.flat(other), 0, 0, 0));
    return this.concat([a, ...nothing], 0);
  }

  /** The values in a row as they lie in memory. */
  flat(a: StepTensor): StepTensor {
    return this.reshape({ ...a, layout: 'plain' }, [sizeOf(a.dims)]);
  }

  expand(a: StepTensor, dims: readonly number[]): StepTensor {
    return this.node('Expand', [a, this.graphBuilder.int64(dims)], dims);
  }

  /** Sum over `axes`; the reduced axes are dropped unless `keep`. */
  reduceSum(a: StepTensor, axes: readonly number[], keep = false): StepTensor {
    const inputs = [a.name, this.graphBuilder.int64(axes)];
    return this.node('ReduceSum', inputs, reducedDims(a.dims, axes, keep), { keepdims: int(keep ? 1 : 0) });
  }

  /** Mean over `axes`; the reduced axes are dropped unless `keep`. */
  reduceMean(a: StepTensor, axes: readonly number[], keep = false): StepTensor {
    const attributes = { axes: ints(axes), keepdims: int(keep ? 1 : 0) };
    return this.node('ReduceMean', [a], reducedDims(a.dims, axes, keep), attributes);
  }

  /** Batched matrix product of the last two axes, either side transposed on the fly. */
  matmul(a: StepTensor, b: StepTensor, transA = false, transB = false): StepTensor {
    const [rows] = transA ? a.dims.slice(-1) : a.dims.slice(-2);
    const columns = transB ? b.dims.at(-2)! : b.dims.at(-1)!;
    const dims = [...broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2)), rows!, columns];
    if (!transA && !transB) return this.node('MatMul', [a, b], dims);
    if (a.dims.length === 2 && b.dims.length === 2) {
      return this.node('Gemm', [a, b], dims, { transA: int(transA ? 1 : 0), transB: int(transB ? 1 : 0) });
    }
    if (this.portable) {
      const turned = (factor: StepTensor, turn: boolean) => (turn ? this.transposeLast(factor) : factor);
      return this.node('MatMul', [turned(a, transA), turned(b, transB)], dims);
    }
    const attributes = { transA: int(transA ? 1 : 0), transB: int(transB ? 1 : 0) };
    return this.node('FusedMatMul', [a, b], dims, attributes, { domain: MICROSOFT });
  }

  /** Swaps the last two axes. */
  transposeLast(a: StepTensor): StepTensor {
    const axes = a.dims.map((_, axis) => axis);
    return this.transpose(a, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]);
  }

  /** Splits a vector into consecutive pieces. */
  splitVector(a: StepTensor, sizes: readonly number[]): StepTensor[] {
    if (sizes.length === 1) return [a];
    if (this.portable) {
      // WebGPU binds an output a buffer, and a shader has few of those.
      let end = 0;
      return sizes.map((size) => {
        end += size;
        return this.slice(a, 0, end - size, end);
      });
    }
    const inputs = [a.name, this.graphBuilder.int64(sizes)];
    const names = this.graphBuilder.nodes('Split', inputs, sizes.length, { axis: int(0) });
    return names.map((name, i) => plain(name, [sizes[i]!]));
  }

  /** Whether a rank-4 activation of this many channels can be held blocked. */
  canBlock(channels: number): boolean {
    return this.blockSize > 0 && channels % this.blockSize === 0;
  }

  /** The same activation in plain layout; converted once however often it is asked for. */
  toPlain(a: StepTensor): StepTensor {
    if (a.layout === 'plain') return a;
    return memoize(this.#plain, a.name, () =>
      this.#asFloats(a, (floats) =>
        this.node('ReorderOutput', [floats], a.dims, { channels: int(a.dims[1]!) }, { domain: NCHWC }),
      ),
    );
  }

  /** The same activation in blocked layout; converted once however often it is asked for. */
  toBlocked(a: StepTensor): StepTensor {
    if (a.layout === 'blocked') return a;
    return memoize(this.#blocked, a.name, () =>
      this.#asFloats(a, (floats) =>
        this.node('ReorderInput', [floats], a.dims, {}, { domain: NCHWC, layout: 'blocked' }),
      ),
    );
  }

  #asFloats(a: StepTensor, change: (floats: StepTensor) => StepTensor): StepTensor {
    if (!a.dtype) return change(a);
    const cast = (from: StepTensor, dtype: DataType) =>
      this.node('Cast', [from], a.dims, { to: int(dataTypeCode(dtype)) }, { layout: from.layout });
    return { ...cast(change(cast(a, 'float32')), a.dtype), dtype: a.dtype };
  }

  /** The next number of channels that fills blocks; the same where channels are no more than a block. */
  filledChannels(channels: number): number {
    const { blockSize } = this;
    return channels <= blockSize || channels % 4 > 0 ? channels : Math.ceil(channels / blockSize) * blockSize;
  }

  /** The same activation blocked, with zero channels after its own where they fill no block: {@link filledChannels}. */
  toFilledBlocks(a: StepTensor): StepTensor {
    const [n, c, h, w] = a.dims as [number, number, number, number];
    const filled = this.filledChannels(c);
    if (filled === c) return this.toBlocked(a);
    return memoize(this.#blocked, a.name, () =>
      this.node('ReorderInput', [a], [n, filled, h, w], {}, { domain: NCHWC, layout: 'blocked' }),
    );
  }

  /** The first channels of a blocked activation, plain unless they are all. */
  firstChannels(a: StepTensor, channels: number): StepTensor {
    const [n, c, h, w] = a.dims as [number, number, number, number];
    if (channels === c) return a;
    const attributes = { channels: int(channels) };
    return this.node('ReorderOutput', [a], [n, channels, h, w], attributes, { domain: NCHWC });
  }

  toLayout(a: StepTensor, layout: Layout): StepTensor {
    return layout === 'plain' ? this.toPlain(a) : this.toBlocked(a);
  }

  /** A blocked activation seen as the row-major [N, C/b, H*W, b] it is. Costs nothing. */
  blockView(a: StepTensor): StepTensor {
    const [n, c, h, w] = a.dims as [number, number, number, number];
    return this.reshape({ ...a, layout: 'plain' }, [n, c / this.blockSize, h * w, this.blockSize]);
  }

  /** The inverse of {@link blockView}. */
  fromBlockView(a: StepTensor, dims: readonly number[]): StepTensor {
    return { ...this.reshape(a, dims), layout: 'blocked' };
  }
}

/** A plain tensor of a known name. */
export function plain(name: string, dims: readonly number[]): StepTensor {
  return { name, dims: [...dims], layout: 'plain' };
}

function memoize<T>(cache: Map<string, T>, key: string, make: () => T): T {
  let value = cache.get(key);
  if (!value) {
    value = make();
    cache.set(key, value);
  }
  return value;
}
