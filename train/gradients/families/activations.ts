import { floatAttribute } from '../../../core/onnx/graph.ts';
import { type Rule, type TrainedNode, unary } from '../rule.ts';
import { TRAINING, type TrainingGraphBuilder, type Value } from '../training-graph.ts';

const alpha = ({ node }: TrainedNode, fallback: number): number => floatAttribute(node, 'alpha', fallback);

/** `a` where `x` is above `bound`, else `b`. */
const above = (g: TrainingGraphBuilder, x: Value, bound: number, a: Value, b: Value): Value =>
  g.where(g.greater(x, g.constant(bound)), a, b);

/** Of the approximation sqrt(2 / pi) (x + CUBIC x^3) of GELU, https://arxiv.org/abs/1606.08415. */
const CUBIC = 0.044715;

const isApproximate = ({ node: { attributes } }: TrainedNode): boolean =>
  attributes.approximate?.type === 'string' && attributes.approximate.value === 'tanh';

/** Activations of one value each, https://onnx.ai/onnx/operators. Slopes at kinks are PyTorch's. */
export const ACTIVATIONS: Readonly<Record<string, Rule>> = {
  // The slope at 0 is 0.
  Relu: unary((g, dy, { y }) => g.node('ReluGrad', [dy, y], dy.dims, {}, { domain: TRAINING })),
  // y' = y - y^2
  Sigmoid: unary((g, dy, { y }) => g.mul(dy, g.sub(y, g.square(y)))),
  // y' = 1 - y^2
  Tanh: unary((g, dy, { y }) => g.sub(dy, g.mul(dy, g.square(y)))),
  Softplus: unary((g, dy, { x }) => g.mul(dy, g.sigmoid(x))),
  // 1 / (1 + |x|)^2
  Softsign: unary((g, dy, { x }) => g.div(dy, g.square(g.shift(g.elementwise('Abs', x), 1)))),

  LeakyRelu: unary((g, dy, n) => above(g, n.x, 0, dy, g.scale(dy, alpha(n, 0.01)))),
  ThresholdedRelu: unary((g, dy, n) => above(g, n.x, alpha(n, 1), dy, g.zeros(dy.dims))),
  // Below 0 the slopes alpha exp(x), gamma alpha exp(x) and exp(x / alpha), from y.
  Elu: unary((g, dy, n) => above(g, n.x, 0, dy, g.mul(dy, g.shift(n.y, alpha(n, 1))))),
  Selu: unary((g, dy, n) => {
    const gamma = floatAttribute(n.node, 'gamma', 1.0507009873554805);
    const below = g.mul(dy, g.shift(n.y, gamma * alpha(n, 1.6732632423543772)));
    return above(g, n.x, 0, g.scale(dy, gamma), below);
  }),
  Celu: unary((g, dy, n) => above(g, n.x, 0, dy, g.mul(dy, g.shift(g.scale(n.y, 1 / alpha(n, 1)), 1)))),

  /** The slopes are stretched to the input. */
  PRelu: {
    backward(g, n, [dy]) {
      const [x, slope] = n.inputs as [Value, Value];
      const inner = () => g.mul(dy!, x);
      return [
        n.needs(0) ? above(g, x, 0, dy!, g.mul(dy!, slope)) : undefined,
        n.needs(1) ? g.sumTo(above(g, x, 0, g.zeros(x.dims), inner()), slope.dims) : undefined,
      ];
    },
  },

  /** Of 0 and 6 it is PyTorch's relu6, else its clamp; the slope at the bounds is 0. */
  Clip: {
    forward(g, n) {
      const [low, high] = [1, 2].map((index) => n.bound(index));
      if (low === undefined && high === undefined) return [n.x];
      if (high === undefined) return [g.elementwise('Max', n.x, g.constant(low!))];
      if (low === undefined) return [g.elementwise('Min', n.x, g.constant(high))];
      return [g.node('Clip', [n.x, g.constant(low), g.constant(high)], n.x.dims)];
    },
    backward(g, n, [dy]) {
      const [low, high] = [n.bound(1), n.bound(2)];
      if (low === 0 && high === 6) {
        return [g.node('Relu6Grad', [dy!, n.y], dy!.dims, {}, { domain: TRAINING })];
      }
      const inside = [
        ...(low === undefined ? [] : [g.greater(n.x, g.constant(low))]),
        ...(high === undefined ? [] : [g.less(n.x, g.constant(high))]),
      ];
      return [inside.length === 0 ? dy : g.mul(dy!, g.toFactor(inside.reduce(g.and)))];
    },
  },

  /** max(0, min(1, alpha x + beta)) */
  HardSigmoid: unary((g, dy, n) => {
    const inside = g.and(g.greater(n.y, g.constant(0)), g.less(n.y, g.constant(1)));
    return g.scale(g.mul(dy, g.toFactor(inside)), alpha(n, 0.2));
  }),
  /** x max(0, min(1, x / 6 + 1 / 2)) */
  HardSwish: unary((g, dy, { x }) => {
    const slope = above(g, x, -3, g.shift(g.scale(x, 1 / 3), 0.5), g.constant(0));
    return g.mul(dy, g.where(g.less(x, g.constant(3)), slope, g.constant(1)));
  }),

  /** x sigmoid(alpha x); dy (s + alpha y (1 - s)) */
  Swish: {
    forward(g, n) {
      const gate = g.sigmoid(g.scale(n.x, alpha(n, 1)));
      return [g.mul(n.x, gate), gate];
    },
    backward(g, n, [dy]) {
      const [y, gate] = n.outputs as [Value, Value];
      const slope = g.scale(g.sub(y, g.mul(y, gate)), alpha(n, 1));
      return [g.mul(dy!, g.add(gate, slope))];
    },
  },

  /** x tanh(softplus(x)); dy (t + x (1 - t^2) sigmoid(x)) */
  Mish: {
    forward(g, { x }) {
      const gate = g.tanh(g.elementwise('Softplus', x));
      return [g.mul(x, gate), gate];
    },
    backward(g, { x, outputs }, [dy]) {
      const [y, gate] = outputs as [Value, Value];
      const slope = g.mul(g.sub(x, g.mul(y, gate)), g.sigmoid(x));
      return [g.mul(dy!, g.add(gate, slope))];
    },
  },

  /** x phi(x), phi being the normal distribution's function; dy (phi + x phi') */
  Gelu: {
    forward(g, n) {
      const { x } = n;
      if (!isApproximate(n)) return g.nodes('GeluInternal', [x], [x.dims, x.dims], {}, { domain: TRAINING });
      const inner = g.mul(x, g.shift(g.scale(g.square(x), CUBIC), 1));
      const phi = g.scale(g.shift(g.tanh(g.scale(inner, Math.sqrt(2 / Math.PI))), 1), 0.5);
      return [g.mul(x, phi), phi];
    },
    backward(g, n, [dy]) {
      const { x } = n;
      const [y, phi] = n.outputs as [Value, Value];
      if (!isApproximate(n)) return [g.node('GeluGrad', [dy!, x, phi], dy!.dims, {}, { domain: TRAINING })];
      // phi = (1 + tanh u) / 2, so that phi' = 2 phi (1 - phi) u'
      const inner = g.scale(g.shift(g.scale(g.square(x), 3 * CUBIC), 1), 2 * Math.sqrt(2 / Math.PI));
      const slope = g.mul(g.sub(y, g.mul(y, phi)), inner);
      return [g.mul(dy!, g.add(phi, slope))];
    },
  },
};
