import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import type { DataType, Dim } from '../onnx/graph.ts';
import { floatTensor, int64Tensor } from '../onnx/graph.ts';
import { dataTypeCode, encodeTensor } from '../onnx/tensor-proto.ts';

const { onnx } = onnxProto;
const Type = onnx.AttributeProto.AttributeType;

/** An operator to be put into a graph: it reads the value before it, and after that its constants. */
export interface Step {
  op: string;
  attributes?: Onnx.IAttributeProto[];
  constants?: Onnx.ITensorProto[];
  /** For what takes more than one node: those that take the value `from` to `to`. */
  build?: (
    from: string,
    to: string,
    fresh: (hint: string) => string,
  ) => { node: Onnx.INodeProto[]; initializer: Onnx.ITensorProto[] };
}

export const cast = (to: DataType): Step => ({
  op: 'Cast',
  attributes: [{ name: 'to', type: Type.INT, i: dataTypeCode(to) }],
});

export const transpose = (perm: number[]): Step => ({
  op: 'Transpose',
  attributes: [{ name: 'perm', type: Type.INTS, ints: perm }],
});

/** Takes channels of [batch, channel, height, width] in another order. */
export const pickChannels = (order: number[]): Step => ({
  op: 'Gather',
  attributes: [{ name: 'axis', type: Type.INT, i: 1 }],
  constants: [encodeTensor('', int64Tensor(order))],
});

/** A weighted sum of the channels of [batch, channel, height, width]. */
export const mixChannels = (weights: number[]): Step => ({
  op: 'Conv',
  constants: [encodeTensor('', floatTensor([1, weights.length, 1, 1], weights))],
});

/** Adds a row, or one value, to every row of a matrix. */
export const add = (values: number[]): Step => ({
  op: 'Add',
  constants: [encodeTensor('', floatTensor([values.length], values))],
});

/** Multiplies every row of a matrix with one. */
export const matrix = (dims: number[], values: number[]): Step => ({
  op: 'MatMul',
  constants: [encodeTensor('', floatTensor(dims, values))],
});

/** Combines each channel of [batch, channel, height, width] with a value. */
export const channels = (op: 'Mul' | 'Sub', values: number[]): Step => ({
  op,
  constants: [encodeTensor('', floatTensor([values.length, 1, 1], values))],
});

/** Over the columns of a matrix. */
export const softmax: Step = { op: 'Softmax', attributes: [{ name: 'axis', type: Type.INT, i: 1 }] };

/** The `k` largest of each row of a matrix, and where they are. */
export function topK(
  from: string,
  to: [values: string, indices: string],
  k: number,
  fresh: (hint: string) => string,
): Required<Pick<Onnx.IGraphProto, 'node' | 'initializer'>> {
  const count = fresh(`${to[1]}_count`);
  const attribute = Object.entries({ axis: 1, largest: 1, sorted: 1 }).map(([name, i]) => ({
    ...{ name, type: Type.INT, i },
  }));
  return {
    node: [{ opType: 'TopK', name: `TopK:${to[1]}`, input: [from, count], output: to, attribute }],
    initializer: [encodeTensor(count, int64Tensor([k]))],
  };
}

export const reshape = (dims: number[]): Step => ({
  op: 'Reshape',
  constants: [encodeTensor('', int64Tensor(dims))],
});

/** Runs a graph on each item of the first axis of the value, and stacks what it gives. */
export const forEach = (body: Onnx.IGraphProto): Step => ({
  op: 'Scan',
  attributes: [
    { name: 'body', type: Type.GRAPH, g: body },
    { name: 'num_scan_inputs', type: Type.INT, i: 1 },
  ],
});

/** As {@link forEach}, for operator sets before 9, where Scan is another one. */
export const forEachByLoop = (body: Onnx.IGraphProto): Step => ({
  op: 'Loop',
  build(from, to, fresh) {
    const names = (...hints: string[]) =>
      hints.map((hint) => fresh(`each_${hint}`)) as [string, string, string];
    const [shape, count, first] = names('shape', 'count', 'first');
    const yes = fresh('each_yes');
    const [index, before, after] = names('index', 'before', 'after');
    const [kept, keptOn, keptLast] = names('kept', 'kept_on', 'kept_last');
    const item = body.input![0]!.name!;
    const identity = (input: string, output: string): Onnx.INodeProto => ({
      ...{ opType: 'Identity', name: fresh(`adapted:${output}`), input: [input], output: [output] },
    });
    const loop: Onnx.IGraphProto = {
      ...body,
      node: [
        { opType: 'Gather', name: fresh(`adapted:${item}`), input: [from, index], output: [item] },
        identity(before, after),
        // Before operator set 11 a Loop has to hand on some value from one round to the next.
        identity(kept, keptOn),
        ...(body.node ?? []),
      ],
      input: [valueInfo(index, 'int64', []), valueInfo(before, 'bool', []), valueInfo(kept, 'bool', [])],
      output: [valueInfo(after, 'bool', []), valueInfo(keptOn, 'bool', []), ...(body.output ?? [])],
    };
    return {
      node: [
        { opType: 'Shape', name: fresh(`adapted:${shape}`), input: [from], output: [shape] },
        { opType: 'Gather', name: fresh(`adapted:${count}`), input: [shape, first], output: [count] },
        {
          ...{
            opType: 'Loop',
            name: fresh(`adapted:${to}`),
            input: [count, yes, yes],
            output: [keptLast, to],
          },
          attribute: [{ name: 'body', type: Type.GRAPH, g: loop }],
        },
      ],
      initializer: [
        encodeTensor(first, int64Tensor([0], [])),
        encodeTensor(yes, { dtype: 'bool', dims: [], data: Uint8Array.of(1) }),
      ],
    };
  },
});

/** From real numbers to the whole ones of a quantised model, and back. */
export const quantize = (
  op: 'QuantizeLinear' | 'DequantizeLinear',
  dtype: 'uint8' | 'int8',
  { scale, zeroPoint }: { scale: number; zeroPoint: number },
): Step => ({
  op,
  constants: [
    encodeTensor('', floatTensor([], [scale])),
    encodeTensor('', {
      ...{ dtype, dims: [] },
      data: dtype === 'int8' ? Int8Array.of(zeroPoint) : Uint8Array.of(zeroPoint),
    }),
  ],
});

/** A value's declaration. */
export function valueInfo(name: string, dtype: DataType, dims: readonly Dim[]): Onnx.IValueInfoProto {
  const dim = dims.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: dataTypeCode(dtype), shape: { dim } } } };
}

/**
 * The nodes and constants that take a value through some steps, the last of which writes `to`.
 * @param fresh gives names that are in use nowhere
 */
export function chain(
  steps: readonly Step[],
  from: string,
  to: string,
  fresh: (hint: string) => string,
): { node: Onnx.INodeProto[]; initializer: Onnx.ITensorProto[] } {
  const node: Onnx.INodeProto[] = [];
  const initializer: Onnx.ITensorProto[] = [];
  let value = from;
  steps.forEach(({ op, attributes = [], constants = [], build }, index) => {
    const output = index === steps.length - 1 ? to : fresh(`adapted_${op.toLowerCase()}`);
    if (build) {
      const built = build(value, output, fresh);
      node.push(...built.node);
      initializer.push(...built.initializer);
      value = output;
      return;
    }
    const named = constants.map((constant) => ({
      ...constant,
      name: fresh(`adapted_${op.toLowerCase()}_constant`),
    }));
    initializer.push(...named);
    const input = [value, ...named.map(({ name }) => name)];
    node.push({
      opType: op,
      name: fresh(`adapted:${output}`),
      input,
      output: [output],
      attribute: attributes,
    });
    value = output;
  });
  return { node, initializer };
}
