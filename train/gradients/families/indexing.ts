import { int, intAttribute, sizeOf, str } from '../../../core/onnx/graph.ts';
import type { Rule, TrainedNode } from '../rule.ts';
import type { TrainingGraphBuilder, Value } from '../training-graph.ts';

/** Constant indices counted from 0. */
function countedFromStart(n: TrainedNode, index: number, size: number): number[] | undefined {
  return n.constant(index)?.map((at) => (at < 0 ? at + size : at));
}

const reductionOf = ({ node }: TrainedNode): string => {
  const { reduction } = node.attributes;
  return reduction?.type === 'string' ? reduction.value : 'none';
};

/** Values put at places of the data, or added to them. */
function scatter(
  put: (g: TrainingGraphBuilder, n: TrainedNode, data: Value, updates: Value) => Value,
  pick: (g: TrainingGraphBuilder, n: TrainedNode, from: Value) => Value,
): Rule {
  return {
    forward(g, n) {
      const reduction = reductionOf(n);
      if (reduction !== 'none' && reduction !== 'add')
        throw n.refusal(`with reduction ${reduction} is not supported`);
      return [g.node(n.node.op, n.inputs, n.x.dims, n.node.attributes)];
    },
    backward(g, n, [dy]) {
      const kept = () => (reductionOf(n) === 'add' ? dy! : put(g, n, dy!, g.zeros(n.inputs[2]!.dims)));
      return [n.needs(0) ? kept() : undefined, undefined, n.needs(2) ? pick(g, n, dy!) : undefined];
    },
  };
}

/** Operators that pick or place values by tables of indices, https://onnx.ai/onnx/operators. */
export const INDEXING: Readonly<Record<string, Rule>> = {
  /** Indices of any shape; those of the same value add up. */
  Gather: {
    backward(g, n, [dy]) {
      const axis = n.axis(0);
      const indices = n.inputs[1]!;
      const size = n.x.dims[axis]!;
      const count = sizeOf(indices.dims);
      const known = countedFromStart(n, 1, size);
      const rows = [...n.x.dims.slice(0, axis), count, ...n.x.dims.slice(axis + 1)];
      const flat = g.reshape(dy!, rows);
      // A run of consecutive ones, most often one: a padding of zeros around it.
      if (known?.every((at, i) => at === known[0]! + i)) {
        const at = (amount: number) => rows.map((_, i) => (i === axis ? amount : 0));
        return [g.pad(flat, at(known[0]!), at(size - known[0]! - count))];
      }
      const perm = [axis, ...[...rows.keys()].filter((other) => other !== axis)];
      const places = known ? g.integers(known, [count, 1]) : g.reshape(indices, [count, 1]);
      const first = g.transpose(flat, perm);
      const sums = g.scatterAdd([size, ...first.dims.slice(1)], places, first);
      return [
        g.transpose(
          sums,
          perm.map((_, i) => perm.indexOf(i)),
        ),
      ];
    },
  },

  GatherElements: {
    backward(g, n, [dy]) {
      const attributes = { axis: int(n.axis(0)), reduction: str('add') };
      return [g.node('ScatterElements', [g.zeros(n.x.dims), n.inputs[1], dy], n.x.dims, attributes)];
    },
  },

  /** https://onnx.ai/onnx/operators/onnx__TopK.html Of equal values the ones that it gives have the gradient. */
  TopK: {
    backward(g, n, [dy]) {
      const attributes = { axis: int(n.axis(-1)), reduction: str('add') };
      return [g.node('ScatterElements', [g.zeros(n.x.dims), n.outputs[1], dy], n.x.dims, attributes)];
    },
  },

  GatherND: {
    backward(g, n, [dy]) {
      if (intAttribute(n.node, 'batch_dims', 0) !== 0) throw n.refusal('with batch_dims is not supported');
      return [g.scatterAdd(n.x.dims, n.inputs[1]!, dy!)];
    },
  },

  ScatterND: scatter(
    (g, n, data, updates) => g.node('ScatterND', [data, n.inputs[1], updates], data.dims),
    (g, n, from) => g.node('GatherND', [from, n.inputs[1]], n.inputs[2]!.dims),
  ),

  ScatterElements: scatter(
    (g, n, data, updates) =>
      g.node('ScatterElements', [data, n.inputs[1], updates], data.dims, { axis: int(n.axis(0)) }),
    (g, n, from) =>
      g.node('GatherElements', [from, n.inputs[1]], n.inputs[2]!.dims, { axis: int(n.axis(0)) }),
  ),
};
