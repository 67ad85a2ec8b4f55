import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { UserError } from '../../../../core/errors.ts';
import { floatAttribute, type GraphNode, intAttribute } from '../../../../core/onnx/graph.ts';
import { dataTypeOf } from '../../../../core/onnx/tensor-proto.ts';
import { TRAINING } from '../../../gradients/training-graph.ts';
import type { Kernels } from '../kernels.ts';
import type { OperatorCall, TfjsOperator } from '../operator.ts';
import { channelsLast, plain, toChannelsLast, toPlain, type Value } from '../value.ts';

/** An elementwise function of one tensor, in whichever layout it lies. */
const unary =
  (apply: (k: Kernels, x: Tensor, node: GraphNode) => Tensor): TfjsOperator =>
  ({ k, node, input }) => {
    const { tensor, layout } = input(0);
    return { tensor: apply(k, tensor, node), layout };
  };

/** The kernel of that name. */
const kernel = (name: string, attributes = {}): TfjsOperator => unary((k, x) => k.run(name, [x], attributes));

/** Values in one layout, in which numpy's broadcasting, which is ONNX's and TensorFlow's too, does what it should. */
function together(k: Kernels, values: readonly Value[]): { tensors: Tensor[]; layout: Value['layout'] } {
  const [{ layout }] = values as [Value];
  const isSmall = ({ tensor }: Value) => tensor.rank <= 4;
  if (values.every((value) => value.layout === layout) && (layout === 'plain' || values.every(isSmall))) {
    return { tensors: values.map(({ tensor }) => tensor), layout };
  }
  if (values.every((value) => value.layout !== 'filter' && isSmall(value))) {
    return { tensors: values.map((value) => toChannelsLast(k, value)), layout: 'channels-last' };
  }
  return { tensors: values.map((value) => toPlain(k, value)), layout: 'plain' };
}

/** An elementwise function of all inputs. */
const elementwise =
  (apply: (k: Kernels, tensors: Tensor[], node: GraphNode) => Tensor): TfjsOperator =>
  ({ k, node, input }) => {
    const { tensors, layout } = together(
      k,
      node.inputs.map((_, i) => input(i)),
    );
    return { tensor: apply(k, tensors, node), layout };
  };

/** The kernel of two tensors of that name; of more, one after the other. */
const folded = (name: string, attributes = {}): TfjsOperator =>
  elementwise((k, tensors) => tensors.reduce((a, b) => k.run(name, [a, b], attributes)));

const floatAdd = folded('AddV2');

/** Tensors of one shape and layout as they come, if what is added up are not the gradients of several readers. */
const add: TfjsOperator = (call) => {
  const { k, gradientType } = call;
  const [a, b] = call.inputs as [Value, Value];
  const isAlike = a.layout === b.layout && a.tensor.shape.join() === b.tensor.shape.join();
  if (!isAlike || k.typeOf(a.tensor) !== k.typeOf(b.tensor) || gradientType === 'float32') {
    return floatAdd(call);
  }
  return { tensor: k.run('AddV2', [a.tensor, b.tensor]), layout: a.layout };
};

/** In the type that its input has. */
const relu: TfjsOperator = ({ k, inputs }) => {
  const { tensor, layout } = inputs[0]!;
  return { tensor: k.run('Relu', [tensor]), layout };
};

/** In the type of the forward pass; TensorFlow's kernel has the operator's name. */
const reluGrad: TfjsOperator = ({ k, node, inputs }) => {
  const [dy, y] = inputs as [Value, Value];
  const gradient = y.layout === 'channels-last' ? toChannelsLast(k, dy) : toPlain(k, dy);
  const output = y.layout === 'channels-last' ? y.tensor : toPlain(k, y);
  const tensor = k.run(node.op, [k.cast(gradient, k.typeOf(output)), output]);
  return y.layout === 'channels-last' ? channelsLast(tensor) : plain(tensor);
};

/** x phi(x), and phi, the normal distribution's function. */
const geluInternal: TfjsOperator = ({ k, input }) => {
  const { tensor: x, layout } = input(0);
  const phi = k.mul(k.add(k.run('Erf', [k.mul(x, Math.SQRT1_2)]), 1), 0.5);
  return [
    { tensor: k.mul(x, phi), layout },
    { tensor: phi, layout },
  ];
};

/** dY (phi + x exp(-x^2 / 2) / sqrt(2 pi)) */
const geluGrad = elementwise((k, tensors) => {
  const [dy, x, phi] = tensors as [Tensor, Tensor, Tensor];
  const exponent = k.sub(k.mul(k.run('Square', [x]), -0.5), Math.log(2 * Math.PI) / 2);
  return k.mul(dy, k.add(phi, k.mul(x, k.run('Exp', [exponent]))));
});

/** Bounds are inputs or, in old opsets, attributes. */
const clip: TfjsOperator = (call) => {
  const { k, node, inputs } = call;
  const { tensor, layout } = call.input(0);
  const bound = (index: number, name: string) =>
    inputs[index] ? call.plain(index) : floatAttribute(node, name, Number.NaN);
  const isGiven = (bound: Tensor | number) => !Number.isNaN(bound);
  const [low, high] = [bound(1, 'min'), bound(2, 'max')];
  const raised = isGiven(low) ? k.max(tensor, low) : tensor;
  return { tensor: isGiven(high) ? k.min(raised, high) : raised, layout };
};

const where: TfjsOperator = elementwise((k, [condition, a, b]) => select(k, condition!, a!, b!));

const select = (k: Kernels, condition: Tensor, a: Tensor, b: Tensor) =>
  k.run('SelectV2', [condition, a, b], { T: { type: k.typeOf(a) } });

const isAbove = (k: Kernels, x: Tensor, bound: number) => k.run('Greater', [x, k.scalar(bound)]);

const hardSigmoid = (k: Kernels, x: Tensor, alpha: number, beta: number) =>
  k.min(k.max(k.add(k.mul(x, alpha), beta), 0), 1);

/** gamma x, below 0 gamma alpha (exp(inner x) - 1) */
const elu = (k: Kernels, x: Tensor, { alpha = 1, inner = 1, gamma = 1 }) => {
  const below = k.mul(k.run('Expm1', [k.mul(k.min(x, 0), inner)]), alpha);
  return k.mul(select(k, isAbove(k, x, 0), x, below), gamma);
};

const leaky = (k: Kernels, x: Tensor, slope: Tensor | number) =>
  select(k, isAbove(k, x, 0), x, k.mul(x, slope));

const NO_TYPE = { T: undefined };
/** Comparison of equality whose kernel has one attribute more. */
const EQUALITY = { incompatible_shape_error: true };

/** TensorFlow has no float modulus of ONNX's kind under one name: `fmod` has the sign of x, the other that of y. */
const modulus: TfjsOperator = elementwise((k, [x, y], node) =>
  k.run(intAttribute(node, 'fmod', 0) === 1 ? 'Mod' : 'FloorMod', [x!, y!]),
);

const cast: TfjsOperator = ({ k, node, input }: OperatorCall) => {
  const { tensor, layout } = input(0);
  const to = dataTypeOf(intAttribute(node, 'to', 1));
  const type = to === 'int64' || to === 'int32' ? 'int32' : to;
  if (type !== 'float32' && type !== 'int32' && type !== 'bool') {
    throw new UserError(
      `${node.name}: a Cast to ${to} cannot be trained with TensorFlow.js; use --engine ort`,
    );
  }
  return { tensor: k.cast(tensor, type), layout };
};

/** Elementwise operators, https://onnx.ai/onnx/operators */
export const ELEMENTWISE: Readonly<Record<string, TfjsOperator>> = {
  Abs: kernel('Abs'),
  Ceil: kernel('Ceil'),
  Cos: kernel('Cos'),
  Erf: kernel('Erf'),
  Exp: kernel('Exp'),
  Floor: kernel('Floor'),
  Identity: ({ inputs }) => inputs[0]!,
  [`${TRAINING}.GeluInternal`]: geluInternal,
  [`${TRAINING}.GeluGrad`]: geluGrad,
  Log: kernel('Log'),
  Neg: kernel('Neg'),
  Not: kernel('LogicalNot', NO_TYPE),
  Reciprocal: kernel('Reciprocal'),
  Relu: relu,
  [`${TRAINING}.ReluGrad`]: reluGrad,
  [`${TRAINING}.Relu6Grad`]: reluGrad,
  Round: kernel('Rint'),
  Sigmoid: kernel('Sigmoid'),
  Sign: kernel('Sign'),
  Sin: kernel('Sin'),
  Softplus: kernel('Softplus'),
  Softsign: kernel('Softsign'),
  Sqrt: kernel('Sqrt'),
  Tan: kernel('Tan'),
  Tanh: kernel('Tanh'),
  Acos: kernel('Acos'),
  Acosh: kernel('Acosh'),
  Asin: kernel('Asin'),
  Asinh: kernel('Asinh'),
  Atan: kernel('Atan'),
  Atanh: kernel('Atanh'),
  Cosh: kernel('Cosh'),
  Sinh: kernel('Sinh'),

  Celu: unary((k, x, node) => {
    const alpha = floatAttribute(node, 'alpha', 1);
    return elu(k, x, { alpha, inner: 1 / alpha });
  }),
  Elu: unary((k, x, node) => elu(k, x, { alpha: floatAttribute(node, 'alpha', 1) })),
  HardSigmoid: unary((k, x, node) =>
    hardSigmoid(k, x, floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)),
  ),
  HardSwish: unary((k, x) => k.mul(x, hardSigmoid(k, x, 1 / 6, 0.5))),
  LeakyRelu: unary((k, x, node) => leaky(k, x, floatAttribute(node, 'alpha', 0.01))),
  Selu: unary((k, x, node) => {
    const alpha = floatAttribute(node, 'alpha', 1.6732631921768188);
    return elu(k, x, { alpha, gamma: floatAttribute(node, 'gamma', 1.0507010221481323) });
  }),
  ThresholdedRelu: unary((k, x, node) =>
    k.mul(x, k.cast(isAbove(k, x, floatAttribute(node, 'alpha', 1)), 'float32')),
  ),
  Cast: cast,
  Clip: clip,

  Add: add,
  And: folded('LogicalAnd', NO_TYPE),
  Div: folded('RealDiv'),
  Equal: folded('Equal', EQUALITY),
  Greater: folded('Greater'),
  GreaterOrEqual: folded('GreaterEqual'),
  Less: folded('Less'),
  LessOrEqual: folded('LessEqual'),
  Max: folded('Maximum'),
  Mean: elementwise((k, tensors) => k.div(tensors.reduce(k.add), tensors.length)),
  Min: folded('Minimum'),
  Mod: modulus,
  Mul: folded('Mul'),
  Or: folded('LogicalOr', NO_TYPE),
  Pow: folded('Pow'),
  PRelu: elementwise((k, [x, slope]) => leaky(k, x!, slope!)),
  Sub: folded('Sub'),
  Sum: folded('AddV2'),
  Where: where,
  Xor: folded('NotEqual', EQUALITY),
};
