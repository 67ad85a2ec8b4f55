import { floatAttribute, int, intAttribute } from '../../../core/onnx/graph.ts';
import type { Rule, TrainedNode } from '../rule.ts';
import type { TrainingGraphBuilder, Value } from '../training-graph.ts';

const softmax = (g: TrainingGraphBuilder, x: Value, axis: number): Value =>
  g.node('Softmax', [x], x.dims, { axis: int(axis) });

/** y (dy - sum(dy y)) */
function softmaxGrad(g: TrainingGraphBuilder, dy: Value, y: Value, axis: number): Value {
  const weighted = g.mul(dy, y);
  return g.sub(weighted, g.mul(y, g.reduceSum(weighted, [axis], true)));
}

/** Queries, keys or values as [batch, heads, length, size], which they may be or be [batch, length, heads * size]. */
function toHeads(g: TrainingGraphBuilder, a: Value, heads: number): Value {
  if (a.dims.length === 4) return a;
  const [batch, length, width] = a.dims as [number, number, number];
  return g.transpose(g.reshape(a, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
}

function fromHeads(g: TrainingGraphBuilder, a: Value, dims: readonly number[]): Value {
  return dims.length === 4 ? a : g.reshape(g.transpose(a, [0, 2, 1, 3]), dims);
}

/** Keys or values [batch, heads, ...] for more heads of queries, each for as many in a row. */
function repeatHeads(g: TrainingGraphBuilder, a: Value, heads: number): Value {
  const [batch, own, length, size] = a.dims as [number, number, number, number];
  if (own === heads) return a;
  const wide = g.expand(g.reshape(a, [batch, own, 1, length, size]), [batch, own, heads / own, length, size]);
  return g.reshape(wide, [batch, heads, length, size]);
}

function sumHeads(g: TrainingGraphBuilder, a: Value, own: number): Value {
  const [batch, heads, length, size] = a.dims as [number, number, number, number];
  if (own === heads) return a;
  return g.reduceSum(g.reshape(a, [batch, own, heads / own, length, size]), [2]);
}

const headsOf = (n: TrainedNode, index: number): number =>
  n.inputs[index]!.dims.length === 4
    ? n.inputs[index]!.dims[1]!
    : intAttribute(n.node, index === 0 ? 'q_num_heads' : 'kv_num_heads', 1);

function attentionScale(n: TrainedNode, queries: Value): number {
  return floatAttribute(n.node, 'scale', 0) || 1 / Math.sqrt(queries.dims[3]!);
}

/** As low as a masked score is set: what float32 holds of it less the largest score is still a number. */
const MASKED = -1e30;

/** Keys that come after a query, [queries, keys], as an amount that is added to scores. */
function laterKeys(g: TrainingGraphBuilder, { dims }: Value, amount: number): Value {
  const [rows, columns] = dims.slice(-2) as [number, number];
  const later = Float32Array.from({ length: rows * columns }, (_, i) =>
    i % columns > Math.floor(i / columns) ? amount : 0,
  );
  return g.table('causal', [rows, columns], later);
}

/** Which queries a mask, and being causal, leaves without any key: [..., queries, 1]. Their answer is zero, in PyTorch too. */
function queriesWithoutKeys(g: TrainingGraphBuilder, mask: Value, scores: Value, causal: boolean): Value {
  const none = Number.NEGATIVE_INFINITY;
  let added = mask.dtype === 'bool' ? g.where(mask, g.constant(0), g.constant(none)) : mask;
  if (causal) added = g.add(added, laterKeys(g, scores, none));
  const most = g.reduceMax(added, [added.dims.length - 1]);
  return g.equal(g.reshape(most, [...added.dims.slice(0, -1), 1]), g.constant(none));
}

export const ATTENTION: Readonly<Record<string, Rule>> = {
  /** https://onnx.ai/onnx/operators/onnx__Softmax.html */
  Softmax: {
    forward: (g, n) => [softmax(g, n.x, n.axis(-1))],
    backward: (g, n, [dy]) => [softmaxGrad(g, dy!, n.y, n.axis(-1))],
  },

  /** https://onnx.ai/onnx/operators/onnx__LogSoftmax.html */
  LogSoftmax: {
    forward: (g, n) => [g.node('LogSoftmax', [n.x], n.x.dims, { axis: int(n.axis(-1)) })],
    backward: (g, n, [dy]) => [g.sub(dy!, g.mul(g.exp(n.y), g.reduceSum(dy!, [n.axis(-1)], true)))],
  },

  /**
   * Scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762),
   * https://onnx.ai/onnx/operators/onnx__Attention.html, as classifiers use it: without keys of earlier runs.
   */
  Attention: {
    forward(g, n) {
      const [q, k, v] = [0, 1, 2].map((index) => toHeads(g, n.inputs[index]!, headsOf(n, index))) as [
        ...[Value, Value, Value],
      ];
      if (n.inputs[4] || n.inputs[5] || n.inputs[6]) throw n.refusal('with past keys is not supported');
      if (n.node.outputs.slice(1).some((name) => name !== '')) {
        throw n.refusal('with outputs beside the first is not supported');
      }
      const heads = headsOf(n, 0);
      const [keys, values] = [repeatHeads(g, k, heads), repeatHeads(g, v, heads)];
      const cap = floatAttribute(n.node, 'softcap', 0);
      let scores = g.matmul(g.scale(q, attentionScale(n, q)), keys, false, true);
      const mask = n.inputs[3];
      if (cap !== 0 && mask) throw n.refusal('with both a softcap and a mask is not supported');
      const capped = cap === 0 ? undefined : g.tanh(g.scale(scores, 1 / cap));
      if (capped) scores = g.scale(capped, cap);
      const causal = intAttribute(n.node, 'is_causal', 0) !== 0;
      const alone = mask && queriesWithoutKeys(g, mask, scores, causal);
      if (causal) scores = g.add(scores, laterKeys(g, scores, MASKED));
      if (mask?.dtype === 'bool') scores = g.where(mask, scores, g.constant(MASKED));
      // Minus infinity less minus infinity would be no number.
      else if (mask) scores = g.add(scores, g.where(alone!, g.constant(0), mask));
      const weights = softmax(g, scores, 3);
      const answered = alone && g.where(alone, g.constant(0), g.constant(1));
      const y = g.matmul(weights, values);
      const kept = answered ? g.mul(y, answered) : y;
      const beside = [capped ?? answered].filter((value) => value !== undefined);
      return [fromHeads(g, kept, n.shapes[0]!.dims), q, keys, values, weights, ...beside];
    },
    backward(g, n, [dy]) {
      // After y; other outputs were refused.
      const [q, keys, values, weights, beside] = n.outputs.slice(1) as [Value, Value, Value, Value, Value?];
      const capped = n.inputs[3] ? undefined : beside;
      const answers = toHeads(g, dy!, headsOf(n, 0));
      const gradient = n.inputs[3] ? g.mul(answers, beside!) : answers;
      const back = (a: Value, index: number) =>
        fromHeads(g, sumHeads(g, a, headsOf(n, index)), n.inputs[index]!.dims);
      const scale = attentionScale(n, q);
      const dScores = softmaxGrad(g, g.matmul(gradient, values, false, true), weights, 3);
      const dProducts = g.scale(capped ? g.sub(dScores, g.mul(dScores, g.square(capped))) : dScores, scale);
      return [
        n.needs(0) ? back(g.matmul(dProducts, keys), 0) : undefined,
        n.needs(1) ? back(g.matmul(dProducts, q, true), 1) : undefined,
        n.needs(2) ? back(g.matmul(weights, gradient, true), 2) : undefined,
        n.needs(3) ? g.sumTo(dScores, n.inputs[3]!.dims) : undefined,
      ];
    },
  },
};
