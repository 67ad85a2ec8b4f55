import { type Attribute, intAttribute, intsAttribute, sizeOf } from '../../../core/onnx/graph.ts';
import type { Rule, TrainedNode } from '../rule.ts';
import { TRAINING, type TrainingGraphBuilder, type Value } from '../training-graph.ts';
import {
  addWindows,
  asPlane,
  explicitWindow,
  planeOf,
  readWindows,
  slide,
  type Windows,
  windowsOf,
} from './window.ts';

/** With explicit padding. */
const attributesOf = (n: TrainedNode): Record<string, Attribute> =>
  explicitWindow(n, intsAttribute(n.node, 'kernel_shape', []));

/** One or two spatial axes. */
export const POOLING: Readonly<Record<string, Rule>> = {
  /** https://onnx.ai/onnx/operators/onnx__GlobalAveragePool.html */
  GlobalAveragePool: {
    backward: (g, { x }, [dy]) => [
      g.node('GlobalAveragePoolGrad', [dy!, x], x.dims, {}, { domain: TRAINING }),
    ],
  },
  /** https://onnx.ai/onnx/operators/onnx__MaxPool.html Of equal values the first one takes the gradient, as in PyTorch. */
  MaxPool: {
    forward: (g, n) => slide(g, n, attributesOf(n)),
    backward(g, n, [dy]) {
      const x = asPlane(g, n.x);
      const given = [asPlane(g, dy!), x, n.outputs.at(-1)!];
      const dx = g.node('MaxPoolGrad', given, x.dims, attributesOf(n), { domain: TRAINING });
      return [g.reshape(dx, n.x.dims)];
    },
  },
  /** https://onnx.ai/onnx/operators/onnx__AveragePool.html */
  AveragePool: {
    forward: (g, n) => slide(g, n, attributesOf(n)),
    backward(g, n, [dy]) {
      const x = asPlane(g, n.x);
      const given = [asPlane(g, dy!), x];
      const dx = g.node('AveragePoolGrad', given, x.dims, attributesOf(n), { domain: TRAINING });
      return [g.reshape(dx, n.x.dims)];
    },
  },
  /** https://onnx.ai/onnx/operators/onnx__LpPool.html Sums of powers: a depthwise convolution whose filters are ones. */
  LpPool: {
    forward(g, n) {
      const windows = lpWindows(n);
      const dims = [windows.group, 1, ...windows.kernel];
      const ones = g.table('ones', dims, new Float32Array(sizeOf(dims)).fill(1));
      const [y] = n.shapes;
      const powers = powersOf(g, n, asPlane(g, n.x));
      const sums = readWindows(g, powers, ones, windows, planeOf(y!.dims)).dx;
      return [g.reshape(norm(g, n, sums), y!.dims), ones];
    },
    backward(g, n, [dy]) {
      const [x, y, gradient] = [n.x, n.y, dy!].map((value) => asPlane(g, value)) as [Value, Value, Value];
      const handedBack = addWindows(g, ofNorm(g, n, gradient, y), n.outputs[1]!, lpWindows(n));
      return [g.reshape(g.mul(handedBack, slopes(g, n, x)), n.x.dims)];
    },
  },
  /** https://onnx.ai/onnx/operators/onnx__GlobalLpPool.html */
  GlobalLpPool: {
    forward(g, n) {
      const axes = n.x.dims.flatMap((_, axis) => (axis < 2 ? [] : [axis]));
      return [norm(g, n, g.reduceSum(powersOf(g, n, n.x), axes, true))];
    },
    backward: (g, n, [dy]) => [g.mul(ofNorm(g, n, dy!, n.y), slopes(g, n, n.x))],
  },
};

/* y = (sum |x|^p)^(1/p), whose slope is sign(x) |x|^(p - 1) y^(1 - p), and 0 where y is. */

const orderOf = (n: TrainedNode): number => intAttribute(n.node, 'p', 2);

function power(g: TrainingGraphBuilder, x: Value, exponent: number): Value {
  if (exponent === 1) return x;
  return exponent === 2 ? g.square(x) : g.pow(x, g.constant(exponent));
}

const powersOf = (g: TrainingGraphBuilder, n: TrainedNode, x: Value): Value =>
  power(g, orderOf(n) === 2 ? x : g.elementwise('Abs', x), orderOf(n));

function norm(g: TrainingGraphBuilder, n: TrainedNode, sum: Value): Value {
  if (orderOf(n) === 1) return sum;
  return orderOf(n) === 2 ? g.sqrt(sum) : g.pow(sum, g.constant(1 / orderOf(n)));
}

function ofNorm(g: TrainingGraphBuilder, n: TrainedNode, dy: Value, y: Value): Value {
  const order = orderOf(n);
  if (order === 1) return dy;
  const zero = g.constant(0);
  return g.where(g.equal(y, zero), zero, g.div(dy, power(g, y, order - 1)));
}

function slopes(g: TrainingGraphBuilder, n: TrainedNode, x: Value): Value {
  if (orderOf(n) === 2) return x;
  const sign = g.elementwise('Sign', x);
  return orderOf(n) === 1 ? sign : g.mul(sign, power(g, g.elementwise('Abs', x), orderOf(n) - 1));
}

function lpWindows(n: TrainedNode): Windows {
  const [, channels, ...image] = n.x.dims as [number, number, ...number[]];
  return windowsOf(n, intsAttribute(n.node, 'kernel_shape', []), image, channels);
}
