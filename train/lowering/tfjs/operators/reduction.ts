import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { intAttribute, intsAttribute, sizeOf } from '../../../../core/onnx/graph.ts';
import { TRAINING } from '../../../gradients/training-graph.ts';
import type { Kernels } from '../kernels.ts';
import type { OperatorCall, TfjsOperator } from '../operator.ts';
import { CHANNELS_LAST_AXES, channelsLast, dimsOf, plain, toPlain } from '../value.ts';

/** Over the node's axes, which are an attribute or, in later opsets, an input; in whichever layout the value lies. */
const reduction =
  (
    apply: (
      k: Kernels,
      x: Tensor,
      reduce: (name: string, x: Tensor) => Tensor,
      axes: readonly number[],
    ) => Tensor,
  ): TfjsOperator =>
  (call) => {
    const { k, node } = call;
    const x = call.input(0);
    const dims = dimsOf(x);
    const given = node.attributes.axes ? intsAttribute(node, 'axes', []) : (call.numbers(1) ?? []);
    const reducesNone = given.length === 0 && intAttribute(node, 'noop_with_empty_axes', 0) !== 0;
    const axes =
      given.length === 0 && !reducesNone
        ? dims.map((_, axis) => axis)
        : given.map((axis) => (axis < 0 ? axis + dims.length : axis));
    const isLast = x.layout === 'channels-last';
    const tensor = isLast ? x.tensor : toPlain(k, x);
    const own = isLast ? axes.map((axis) => CHANNELS_LAST_AXES[axis]!) : axes;
    const reduce = (name: string, of: Tensor) => (own.length === 0 ? of : k.reduce(name, of, own));
    const y = apply(k, tensor, reduce, own);
    const value = isLast ? channelsLast(y) : plain(y);
    if (intAttribute(node, 'keepdims', 1) === 1) return value;
    const kept = dims.filter((_, axis) => !axes.includes(axis));
    return plain(k.reshape(toPlain(k, value), kept));
  };

const INT32 = { type: 'int32' } as const;

const kernel = (name: string) => reduction((_, x, reduce) => reduce(name, x));
/** A sum over many rows is taken as a product with ones, which takes a third of the time. */
const sum = reduction((k, x, reduce, axes) => {
  const isOverRows = axes.length < x.rank && axes.every((axis, i) => axis === i);
  const rows = isOverRows ? sizeOf(x.shape.slice(0, axes.length)) : 0;
  const columns = x.size / rows;
  if (rows < MANY_ROWS || columns < MANY_COLUMNS || k.typeOf(x) !== 'float32') return reduce('Sum', x);
  const factors = [k.tf.ones([1, rows]), k.reshape(x, [rows, columns])];
  const sums = k.run('MatMul', factors, { transpose_a: false, transpose_b: false });
  return k.reshape(
    sums,
    x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
  );
});
const MANY_ROWS = 256;
const MANY_COLUMNS = 64;

const square = (k: Kernels, x: Tensor) => k.run('Square', [x]);

/** The first place of an extreme along an axis. */
const extremePlace =
  (name: string): TfjsOperator =>
  (call) => {
    const { k, node } = call;
    const x = call.plain(0);
    const given = intAttribute(node, 'axis', 0);
    const axis = given < 0 ? given + x.rank : given;
    const places = k.run(name, [x, k.integers(axis)], { Tidx: INT32, output_type: INT32 });
    if (intAttribute(node, 'keepdims', 1) === 0) return plain(places);
    return plain(
      k.reshape(
        places,
        x.shape.map((size, i) => (i === axis ? 1 : size)),
      ),
    );
  };

/** The kernels are for the last axis. */
const alongAxis =
  (apply: (call: OperatorCall, x: Tensor) => Tensor[]): TfjsOperator =>
  (call) => {
    const x = call.plain(0);
    const given = intAttribute(call.node, 'axis', -1);
    const axis = given < 0 ? given + x.rank : given;
    const order = x.shape.map((_, i) => i);
    // Its own inverse: the axis changes places with the last.
    [order[axis], order[x.rank - 1]] = [x.rank - 1, axis];
    const outputs = apply(call, call.k.transpose(x, order));
    return outputs.map((output) => plain(call.k.transpose(output, order)));
  };

/** The kernel gives the largest, in order. */
const topK = alongAxis((call, x) => {
  const { k, node } = call;
  const isLargest = intAttribute(node, 'largest', 1) === 1;
  const signed = (values: Tensor) => (isLargest ? values : k.run('Neg', [values]));
  const [count] = call.numbers(1)!;
  const attributes = { sorted: true, Tk: INT32 };
  const [values, places] = k.all('TopKV2', 2, [signed(x), k.integers(count!)], attributes);
  return [signed(values!), places!];
});

const softmaxCrossEntropy: TfjsOperator = (call) => {
  const { k } = call;
  const [logits, targets] = [call.plain(0), call.plain(1)];
  const logProbabilities = k.run('LogSoftmax', [logits]);
  const total = k.reshape(k.reduce('Sum', k.mul(targets, logProbabilities), [0, 1]), []);
  const loss = k.run('Neg', [k.div(total, logits.shape[0]!)]);
  return [plain(loss), plain(logProbabilities)];
};

/** (softmax * sum(target) - target) / N */
const softmaxCrossEntropyGrad: TfjsOperator = (call) => {
  const { k } = call;
  const [logProbabilities, targets] = [call.plain(0), call.plain(1)];
  const mass = k.reduce('Sum', targets, [1]);
  const expected = k.mul(k.run('Exp', [logProbabilities]), mass);
  const difference = k.sub(expected, targets);
  return plain(k.div(difference, targets.shape[0]!));
};

/** Operators that sum up, https://onnx.ai/onnx/operators */
export const REDUCTION: Readonly<Record<string, TfjsOperator>> = {
  ArgMax: extremePlace('ArgMax'),
  ArgMin: extremePlace('ArgMin'),
  LogSoftmax: alongAxis(({ k }, x) => [k.run('LogSoftmax', [x])]),
  TopK: topK,
  Softmax: alongAxis(({ k }, x) => [k.run('Softmax', [x])]),
  ReduceL1: reduction((k, x, reduce) => reduce('Sum', k.run('Abs', [x]))),
  ReduceL2: reduction((k, x, reduce) => k.run('Sqrt', [reduce('Sum', square(k, x))])),
  ReduceLogSum: reduction((k, x, reduce) => k.run('Log', [reduce('Sum', x)])),
  ReduceLogSumExp: reduction((k, x, reduce) => {
    const most = reduce('Max', x);
    const sum = reduce('Sum', k.run('Exp', [k.sub(x, most)]));
    return k.add(k.run('Log', [sum]), most);
  }),
  ReduceMax: kernel('Max'),
  ReduceMean: kernel('Mean'),
  ReduceMin: kernel('Min'),
  ReduceProd: kernel('Prod'),
  ReduceSum: sum,
  ReduceSumSquare: reduction((k, x, reduce) => reduce('Sum', square(k, x))),
  [`${TRAINING}.SoftmaxCrossEntropy`]: softmaxCrossEntropy,
  [`${TRAINING}.SoftmaxCrossEntropyGrad`]: softmaxCrossEntropyGrad,
};
