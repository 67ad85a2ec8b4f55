import { type Dim, intAttribute } from '../graph.ts';
import {
  type CostRule,
  compatible,
  formatDims,
  type Operator,
  product,
  resolveAxis,
  type ShapeRule,
  sum,
} from './operator.ts';

/** The shape of the input, if it has the axis. */
const alongAxis: ShapeRule = (context) => {
  const { dims } = context.input(0);
  resolveAxis(context, intAttribute(context.node, 'axis', -1), dims.length);
  return [dims];
};

interface Heads {
  batch: Dim;
  heads: Dim;
  length: Dim;
  size: Dim;
}

/**
 * The sizes of queries, keys or values: [batch, heads, length, size], or [batch, length, heads * size].
 * @param heads of three dimensions, how many there are; 0 if the node does not say
 */
function headsOf(dims: readonly Dim[], heads: number, error: (problem: string) => Error): Heads {
  if (dims.length === 4) {
    const [batch, count, length, size] = dims as [Dim, Dim, Dim, Dim];
    return { batch, heads: count, length, size };
  }
  const [batch, length, width] = dims;
  if (dims.length !== 3 || heads < 1 || typeof width !== 'number' || width % heads !== 0) {
    throw error(`${formatDims(dims)} does not divide into ${heads || 'its'} heads`);
  }
  return { batch: batch!, heads, length: length!, size: width / heads };
}

/** https://onnx.ai/onnx/operators/onnx__Attention.html; past keys and values come before the new ones. */
const attention: ShapeRule = (context) => {
  const { node, error } = context;
  const [q, k, v] = [0, 1, 2].map((index) => context.input(index).dims) as [Dim[], Dim[], Dim[]];
  const queries = headsOf(q, intAttribute(node, 'q_num_heads', 0), error);
  const kvHeads = intAttribute(node, 'kv_num_heads', 0);
  const [keys, values] = [headsOf(k, kvHeads, error), headsOf(v, kvHeads, error)];
  if (!compatible(queries.size, keys.size) || !compatible(keys.length, values.length)) {
    throw error(`its queries are ${formatDims(q)}, its keys ${formatDims(k)}, its values ${formatDims(v)}`);
  }
  const past = context.optional(4)?.dims[2] ?? 0;
  const total = sum([past, keys.length]) ?? context.unknown(2, 1);
  const { batch, heads, length } = queries;
  const y =
    q.length === 4
      ? [batch, heads, length, values.size]
      : [batch, length, product([heads, values.size]) ?? context.unknown(2)];
  return [
    y,
    [batch, keys.heads, total, keys.size],
    [batch, keys.heads, total, values.size],
    [batch, heads, length, total],
  ];
};

/** Queries by keys, and what comes of them by values. */
const attentionMacs: CostRule = ({ node, input, error }) => {
  const queries = headsOf(input(0), intAttribute(node, 'q_num_heads', 0), error);
  const values = headsOf(input(2), intAttribute(node, 'kv_num_heads', 0), error);
  const past = node.inputs[4] ? input(4)[2]! : 0;
  const [total, sizes] = [sum([past, values.length]), sum([queries.size, values.size])];
  if (total === undefined || sizes === undefined)
    throw error('its sizes are not known, so neither is its cost');
  return [queries.batch, queries.heads, queries.length, total, sizes];
};

const exponential: Operator = { attributes: ['axis'], shape: alongAxis };

export const ATTENTION: Readonly<Record<string, Operator>> = {
  Attention: {
    attributes: [
      ...['is_causal', 'kv_num_heads', 'q_num_heads', 'qk_matmul_output_mode', 'scale', 'softcap'],
      'softmax_precision',
    ],
    shape: attention,
    types: ({ type }) => [type(0), type(1), type(2), type(0)],
    macs: attentionMacs,
  },
  Softmax: exponential,
  LogSoftmax: exponential,
  Hardmax: exponential,
};
