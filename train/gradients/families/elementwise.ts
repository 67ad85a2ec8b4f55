import { type Rule, unary } from '../rule.ts';
import type { TrainingGraphBuilder, Value } from '../training-graph.ts';

/** Whose slope is 0 wherever they have one. */
const flat: Rule = { backward: () => [] };

/** Of several inputs that are broadcast together; `part` is the gradient of one before it is summed to its shape. */
function joint(
  part: (g: TrainingGraphBuilder, dy: Value, inputs: readonly Value[], index: number, y: Value) => Value,
): Rule {
  return {
    backward: (g, n, [dy]) =>
      n.inputs.map((input, index) =>
        n.needs(index) ? g.sumTo(part(g, dy!, n.inputs as Value[], index, n.y), input!.dims) : undefined,
      ),
  };
}

/** The largest or smallest; equal ones share the gradient, as in PyTorch. */
const extreme = joint((g, dy, inputs, index, y) => {
  if (inputs.length === 1) return dy;
  const isIt = (input: Value): Value => g.toFactor(g.equal(input, y));
  const [first, ...rest] = inputs.map(isIt) as [Value, ...Value[]];
  return g.mul(dy, g.div(isIt(inputs[index]!), rest.reduce(g.add, first)));
});

/** Arithmetic of each value by itself, https://onnx.ai/onnx/operators. */
export const ELEMENTWISE: Readonly<Record<string, Rule>> = {
  Neg: unary((g, dy) => g.neg(dy)),
  Abs: unary((g, dy, { x }) => g.mul(dy, g.elementwise('Sign', x))),
  Reciprocal: unary((g, dy, { y }) => g.neg(g.mul(dy, g.square(y)))),
  Sqrt: unary((g, dy, { y }) => g.div(g.scale(dy, 0.5), y)),
  Exp: unary((g, dy, { y }) => g.mul(dy, y)),
  Log: unary((g, dy, { x }) => g.div(dy, x)),
  Sin: unary((g, dy, { x }) => g.mul(dy, g.elementwise('Cos', x))),
  Cos: unary((g, dy, { x }) => g.neg(g.mul(dy, g.elementwise('Sin', x)))),
  Tan: unary((g, dy, { y }) => g.mul(dy, g.shift(g.square(y), 1))),
  Asin: unary((g, dy, { x }) => g.div(dy, g.sqrt(g.shift(g.neg(g.square(x)), 1)))),
  Acos: unary((g, dy, { x }) => g.neg(g.div(dy, g.sqrt(g.shift(g.neg(g.square(x)), 1))))),
  Atan: unary((g, dy, { x }) => g.div(dy, g.shift(g.square(x), 1))),
  Sinh: unary((g, dy, { x }) => g.mul(dy, g.elementwise('Cosh', x))),
  Cosh: unary((g, dy, { x }) => g.mul(dy, g.elementwise('Sinh', x))),
  Asinh: unary((g, dy, { x }) => g.div(dy, g.sqrt(g.shift(g.square(x), 1)))),
  Acosh: unary((g, dy, { x }) => g.div(dy, g.sqrt(g.shift(g.square(x), -1)))),
  Atanh: unary((g, dy, { x }) => g.div(dy, g.shift(g.neg(g.square(x)), 1))),
  // 2 / sqrt(pi) exp(-x^2)
  Erf: unary((g, dy, { x }) => g.mul(dy, g.scale(g.exp(g.neg(g.square(x))), 2 / Math.sqrt(Math.PI)))),
  Sign: flat,
  Floor: flat,
  Ceil: flat,
  Round: flat,

  Add: joint((_, dy) => dy),
  Sum: joint((_, dy) => dy),
  Mean: joint((g, dy, { length }) => g.scale(dy, 1 / length)),
  Sub: joint((g, dy, _, index) => (index === 0 ? dy : g.neg(dy))),
  Mul: joint((g, dy, inputs, index) => g.mul(dy, inputs[1 - index]!)),
  Div: joint((g, dy, [, b], index, y) => {
    const share = g.div(dy, b!);
    return index === 0 ? share : g.neg(g.mul(share, y));
  }),
  Max: extreme,
  Min: extreme,

  /** https://onnx.ai/onnx/operators/onnx__Pow.html of an exponent of any type. */
  Pow: {
    forward: (g, n) => [g.pow(n.x, g.cast(n.inputs[1]!, n.x.dtype))],
    backward(g, n, [dy]) {
      const [x, given] = n.inputs as [Value, Value];
      const exponent = g.cast(given, x.dtype);
      const zero = g.constant(0);
      const dx = () => {
        const known = n.constant(1)?.length === 1 ? n.constant(1)![0] : undefined;
        if (known === 0) return g.zeros(dy!.dims);
        if (known === 2) return g.mul(dy!, g.scale(x, 2));
        const slope = g.mul(exponent, g.pow(x, g.shift(exponent, -1)));
        // 0 to the power of -1 is no number, its slope is.
        return g.mul(dy!, known === undefined ? g.where(g.equal(exponent, zero), zero, slope) : slope);
      };
      const dExponent = () => {
        const vanishes = g.and(g.equal(x, zero), g.elementwise('GreaterOrEqual', exponent, zero));
        return g.mul(dy!, g.where(vanishes, zero, g.mul(n.y, g.log(x))));
      };
      return [
        n.needs(0) ? g.sumTo(dx(), x.dims) : undefined,
        n.needs(1) ? g.sumTo(dExponent(), exponent.dims) : undefined,
      ];
    },
  },

  /** https://onnx.ai/onnx/operators/onnx__Where.html */
  Where: {
    backward(g, n, [dy]) {
      const [condition, a, b] = n.inputs as [Value, Value, Value];
      const zero = g.constant(0);
      return [
        undefined,
        n.needs(1) ? g.sumTo(g.where(condition, dy!, zero), a.dims) : undefined,
        n.needs(2) ? g.sumTo(g.where(condition, zero, dy!), b.dims) : undefined,
      ];
    },
  },
};
