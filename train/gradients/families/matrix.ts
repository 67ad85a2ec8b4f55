import { floatAttribute, intAttribute, sizeOf } from '../../../core/onnx/graph.ts';
import { type Equation, einsumEquation } from '../../../core/onnx/operators/matrix.ts';
import type { Rule, TrainedNode } from '../rule.ts';
import type { TrainingGraphBuilder, Value } from '../training-graph.ts';

/** The inputs of a MatMul as matrices: a vector is a row on the left and a column on the right. */
function asMatrices(g: TrainingGraphBuilder, n: TrainedNode): [Value, Value] {
  const [a, b] = n.inputs as [Value, Value];
  return [
    a.dims.length === 1 ? g.reshape(a, [1, ...a.dims]) : a,
    b.dims.length === 1 ? g.reshape(b, [...b.dims, 1]) : b,
  ];
}

/** All but the last axis as one. */
const rowsOf = (g: TrainingGraphBuilder, a: Value): Value =>
  g.reshape(a, [sizeOf(a.dims.slice(0, -1)), a.dims.at(-1)!]);

/** A value whose axes have names. */
interface Labelled {
  value: Value;
  labels: readonly string[];
}

/** The labels of the inputs and the output of an Einsum, `...` spelled out. */
function labelsOf(n: TrainedNode): Equation {
  const { inputs, output } = einsumEquation(n.node, (problem) => n.refusal(problem));
  const count = Math.max(
    0,
    ...inputs.map((labels, i) => (labels.includes('...') ? n.inputs[i]!.dims.length - labels.length + 1 : 0)),
  );
  const spelled = (labels: readonly string[], rest: number): string[] =>
    labels.flatMap((label) =>
      label === '...' ? Array.from({ length: rest }, (_, i) => `...${count - rest + i}`) : [label],
    );
  return {
    inputs: inputs.map((labels, i) => {
      const all = spelled(labels, n.inputs[i]!.dims.length - labels.length + 1);
      if (new Set(all).size !== all.length)
        throw n.refusal('with a label twice in an input is not supported');
      return all;
    }),
    output: spelled(output, count),
  };
}

/** Sums over the axes that are not wanted. */
function summed(g: TrainingGraphBuilder, { value, labels }: Labelled, wanted: ReadonlySet<string>): Labelled {
  const axes = labels.flatMap((label, axis) => (wanted.has(label) ? [] : [axis]));
  return { value: g.reduceSum(value, axes), labels: labels.filter((label) => wanted.has(label)) };
}

/** In the order of `labels`, of which those that it has not have size 1. */
function arranged(g: TrainingGraphBuilder, { value, labels }: Labelled, order: readonly string[]): Value {
  const present = order.filter((label) => labels.includes(label));
  const turned = g.transpose(
    value,
    present.map((label) => labels.indexOf(label)),
  );
  let axis = 0;
  return g.reshape(
    turned,
    order.map((label) => (labels.includes(label) ? turned.dims[axis++]! : 1)),
  );
}

/** The product of two, summed over the labels that are not wanted, as one batched product of matrices. */
function product(
  g: TrainingGraphBuilder,
  left: Labelled,
  right: Labelled,
  wanted: ReadonlySet<string>,
): Labelled {
  const a = summed(g, left, new Set([...right.labels, ...wanted]));
  const b = summed(g, right, new Set([...left.labels, ...wanted]));
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => wanted.has(label));
  const inner = shared.filter((label) => !wanted.has(label));
  const rows = a.labels.filter((label) => !shared.includes(label));
  const columns = b.labels.filter((label) => !shared.includes(label));
  const of = ({ value, labels }: Labelled, names: readonly string[]) =>
    names.map((label) => value.dims[labels.indexOf(label)]!);
  // A label of size 1 in one of the two is stretched.
  const widest = (names: readonly string[]) => {
    const [x, y] = [of(a, names), of(b, names)];
    return x.map((size, i) => Math.max(size, y[i]!));
  };
  const stretched = (operand: Labelled, order: readonly string[]): Value => {
    const value = arranged(g, operand, order);
    const dims = order.map((label, i) => (shared.includes(label) ? widest([label])[0]! : value.dims[i]!));
    return g.expand(value, dims);
  };
  const batchDims = widest(batch);
  const [m, k, n] = [sizeOf(of(a, rows)), sizeOf(widest(inner)), sizeOf(of(b, columns))];
  const x = g.reshape(stretched(a, [...batch, ...rows, ...inner]), [sizeOf(batchDims), m, k]);
  const y = g.reshape(stretched(b, [...batch, ...inner, ...columns]), [sizeOf(batchDims), k, n]);
  return {
    value: g.reshape(g.matmul(x, y), [...batchDims, ...of(a, rows), ...of(b, columns)]),
    labels: [...batch, ...rows, ...columns],
  };
}

/** The Einsum of operands, from the left to the right. */
function einsum(g: TrainingGraphBuilder, operands: readonly Labelled[], output: readonly string[]): Labelled {
  const [first, ...rest] = operands as [Labelled, ...Labelled[]];
  const result = rest.reduce((left, right, i) => {
    const later = rest.slice(i + 1).flatMap(({ labels }) => labels);
    return product(g, left, right, new Set([...output, ...later]));
  }, first);
  const left = summed(g, result, new Set(output));
  const order = output.filter((label) => left.labels.includes(label));
  return { value: arranged(g, left, order), labels: order };
}

export const MATRIX: Readonly<Record<string, Rule>> = {
  /** https://onnx.ai/onnx/operators/onnx__Gemm.html Y = alpha A' B' + beta C, a prime standing for a transposition. */
  Gemm: {
    backward(g, n, [dy]) {
      const [a, b, c] = n.inputs;
      const [transA, transB] = [
        intAttribute(n.node, 'transA', 0) === 1,
        intAttribute(n.node, 'transB', 0) === 1,
      ];
      const product = g.scale(dy!, floatAttribute(n.node, 'alpha', 1));
      const dB = () => (transB ? g.matmul(product, a!, true, transA) : g.matmul(a!, product, !transA, false));
      const dC = () => g.scale(g.sumTo(dy!, c!.dims), floatAttribute(n.node, 'beta', 1));
      const dA = () => (transA ? g.matmul(b!, product, transB, true) : g.matmul(product, b!, false, !transB));
      // In this order, for what they are computed from is let go with the last of them.
      const [weight, bias, input] = [
        n.needs(1) ? dB() : undefined,
        n.needs(2) ? dC() : undefined,
        n.needs(0) ? dA() : undefined,
      ];
      return [input, weight, bias];
    },
  },

  /** https://onnx.ai/onnx/operators/onnx__MatMul.html of batches that broadcast, and of vectors. */
  MatMul: {
    backward(g, n, [dy]) {
      const [a, b] = asMatrices(g, n);
      const batch = n.y.dims.slice(
        0,
        n.y.dims.length - (n.x.dims.length > 1 ? 1 : 0) - (n.inputs[1]!.dims.length > 1 ? 1 : 0),
      );
      const product = g.reshape(dy!, [...batch, a.dims.at(-2)!, b.dims.at(-1)!]);
      // With one matrix for all it is one product of all rows.
      const dB = () =>
        b.dims.length === 2
          ? g.matmul(rowsOf(g, a), rowsOf(g, product), true)
          : g.sumTo(g.matmul(a, product, true), b.dims);
      const dA = () => g.sumTo(g.matmul(product, b, false, true), a.dims);
      const weight = n.needs(1) ? g.reshape(dB(), n.inputs[1]!.dims) : undefined;
      return [n.needs(0) ? g.reshape(dA(), n.x.dims) : undefined, weight];
    },
  },

  /** https://onnx.ai/onnx/operators/onnx__Einsum.html as products of matrices. */
  Einsum: {
    forward(g, n) {
      const { inputs, output } = labelsOf(n);
      const operands = inputs.map((labels, i) => ({ labels, value: n.inputs[i]! }));
      return [einsum(g, operands, output).value];
    },
    backward(g, n, [dy]) {
      const { inputs, output } = labelsOf(n);
      const operands = inputs.map((labels, i) => ({ labels, value: n.inputs[i]! }));
      return operands.map(({ labels, value }, index) => {
        if (!n.needs(index)) return undefined;
        const others = operands.filter((_, i) => i !== index);
        const gradient = einsum(g, [{ value: dy!, labels: output }, ...others], labels);
        // Labels that only this input has were summed over; one of size 1 may have been stretched.
        const wide = arranged(g, gradient, labels);
        const narrow = value.dims.map((size, i) => (size === 1 ? 1 : wide.dims[i]!));
        return g.expand(g.sumTo(wide, narrow), value.dims);
      });
    },
  },
};
