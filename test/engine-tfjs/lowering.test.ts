import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import {
  type Attribute,
  float,
  floatTensor,
  type Graph,
  int,
  ints,
  sizeOf,
  str,
} from '../../core/onnx/graph.ts';
import { encodeModel, encodeMoreOutputs } from '../../core/onnx/model-file.ts';
import { Random } from '../../core/random.ts';
import { Tensor as OrtTensor, openSession } from '../../core/runtime/session.ts';
import { loadTensorFlow, type TensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { TRAINING } from '../../train/gradients/training-graph.ts';
import { GraphInterpreter } from '../../train/lowering/tfjs/interpreter.ts';
import { Kernels } from '../../train/lowering/tfjs/kernels.ts';
import { OPERATORS } from '../../train/lowering/tfjs/operators/index.ts';
import { channelsLast, inChannelsLast, plain, toPlain, type Value } from '../../train/lowering/tfjs/value.ts';
import { relativeError64 } from '../train/support/check-gradients.ts';
import type { Feeds } from '../train/support/step-runner.ts';
import { SKIP_WITHOUT_TENSORFLOW as skip } from './support/tensorflow.ts';

/*
 * Each operator alone, by TensorFlow and by onnxruntime on the same numbers; activations once as the graph has them and
 * once with channels last. The gradients' operators are tested where their rules are.
 */

interface Case {
  op: string;
  what: string;
  /** Of the float inputs, or their shape alone. */
  inputs: readonly (readonly number[])[];
  /** Inputs after those: int64 lists, float tensors, or none. */
  constants?: readonly (
    | readonly number[]
    | { dims: readonly number[]; data: readonly number[] }
    | undefined
  )[];
  attributes?: Record<string, Attribute>;
  outputs?: number;
  /** Where the inputs' numbers are taken from; default normal. */
  mean?: number;
  std?: number;
  /** The output is not float32, for And and their kind neither are the inputs: they are cast. */
  cast?: boolean;
}

const IMAGES = [2, 6, 5, 4] as const;
const SMALL = [2, 3, 4] as const;

const each = (ops: string, more: Partial<Case> = {}): Case[] =>
  ops.split(' ').map((op) => ({ op, what: 'elementwise', inputs: [IMAGES], ...more }));

const pool = (
  op: string,
  what: string,
  attributes: Record<string, Attribute>,
  size: readonly number[] = [2, 3, 9, 8],
) => ({
  op,
  what,
  inputs: [size],
  attributes: { kernel_shape: ints([3, 2]), ...attributes },
});

const conv = (
  what: string,
  image: readonly number[],
  filter: readonly number[],
  attributes: Record<string, Attribute> = {},
): Case => ({ op: 'Conv', what, inputs: [image, filter, [filter[0]!]], attributes });

const CASES: Case[] = [
  ...each(
    'Abs Ceil Cos Erf Exp Floor Identity Neg Relu Round Sigmoid Sign Sin Softplus Softsign Tanh Asinh Atan Cosh Sinh',
  ),
  ...each('Acos Asin Atanh', { std: 0.2 }),
  ...each('Acosh', { mean: 4, std: 0.5 }),
  ...(['largest', 'smallest'] as const).map(
    (which): Case => ({
      op: 'TopK',
      what: `the ${which} of rows, with their places`,
      inputs: [SMALL],
      constants: [[2]],
      attributes: { axis: int(1), largest: int(which === 'largest' ? 1 : 0) },
      outputs: 2,
    }),
  ),
  ...each('Log Sqrt Reciprocal Tan', { mean: 0.7, std: 0.1 }),
  ...each('Celu Elu LeakyRelu ThresholdedRelu', { attributes: { alpha: float(0.3) } }),
  ...each('HardSigmoid HardSwish Selu', { std: 3 }),
  ...each('HardSigmoid', { what: 'with its own slope', attributes: { alpha: float(0.3), beta: float(0.6) } }),
  {
    op: 'Clip',
    what: 'both bounds',
    inputs: [IMAGES],
    constants: [
      { dims: [], data: [-0.5] },
      { dims: [], data: [0.7] },
    ],
  },
  { op: 'Clip', what: 'above alone', inputs: [IMAGES], constants: [undefined, { dims: [], data: [0.7] }] },

  ...each('Add Div Max Min Mul Pow PRelu Sub Sum Mean', {
    what: 'equal shapes',
    inputs: [IMAGES, IMAGES],
    mean: 3,
    std: 0.4,
  }),
  ...each('Add Div Max Min Mul Sub PRelu', { what: 'a number a channel', inputs: [IMAGES, [6, 1, 1]] }),
  ...each('Add Mul', { what: 'a row', inputs: [IMAGES, [4]] }),
  ...each('Add Sub', { what: 'a number', inputs: [[], IMAGES] }),
  ...each('Add Mul', { what: 'more axes than an image', inputs: [[2, 1, 6, 5, 4], IMAGES] }),
  ...each('Max Min Sum Mean', { what: 'three', inputs: [SMALL, [3, 1], [4]] }),
  { op: 'Mod', what: 'fmod', inputs: [SMALL, [4]], attributes: { fmod: int(1) }, std: 5 },
  ...each('Equal Greater GreaterOrEqual Less LessOrEqual', {
    what: 'compared',
    inputs: [IMAGES, [6, 1, 1]],
    cast: true,
  }),
  ...each('And Or Xor', { what: 'of truths', inputs: [IMAGES, [6, 1, 1]], cast: true }),
  ...each('Not', { what: 'of truths', cast: true }),
  { op: 'Where', what: 'one value a channel', inputs: [IMAGES, IMAGES, [6, 1, 1]] },
  { op: 'Where', what: 'a number', inputs: [[4], SMALL, []] },

  ...each('ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare', {
    what: 'pixels, dropped',
    attributes: { axes: ints([2, 3]), keepdims: int(0) },
  }),
  ...each('ReduceMax ReduceMean', { what: 'channels', attributes: { axes: ints([1]) } }),
  ...each('ReduceMax ReduceMean', {
    what: 'channels and rows, dropped',
    attributes: { axes: ints([1, -2]), keepdims: int(0) },
  }),
  ...each('ReduceMean', { what: 'all', attributes: { keepdims: int(0) } }),
  ...each('ReduceLogSum', { attributes: { axes: ints([-1]) }, mean: 4, std: 0.2 }),
  { op: 'ReduceSum', what: 'pixels', inputs: [IMAGES], constants: [[2, 3]] },
  { op: 'ReduceSum', what: 'images', inputs: [IMAGES], constants: [[0]], attributes: { keepdims: int(0) } },
  { op: 'ReduceSum', what: 'all', inputs: [SMALL] },
  { op: 'ReduceSum', what: 'none', inputs: [SMALL], attributes: { noop_with_empty_axes: int(1) } },
  ...each('ArgMax ArgMin', { what: 'channels', attributes: { axis: int(1) }, cast: true }),
  ...each('ArgMax', { what: 'dropped', attributes: { axis: int(-1), keepdims: int(0) }, cast: true }),
  ...each('Softmax LogSoftmax', { what: 'last axis', inputs: [[3, 7]] }),
  ...each('Softmax LogSoftmax', { what: 'channels', attributes: { axis: int(1) } }),

  ...each('Shape', { what: 'all', cast: true }),
  {
    op: 'Shape',
    what: 'some',
    inputs: [IMAGES],
    attributes: { start: int(-3), end: int(-1) },
    cast: true,
  },
  {
    op: 'Range',
    what: 'downwards',
    inputs: [],
    constants: [
      { dims: [], data: [7] },
      { dims: [], data: [-2] },
      { dims: [], data: [-2] },
    ],
    cast: true,
  },
  { op: 'Reshape', what: 'of copied and inferred sizes', inputs: [IMAGES], constants: [[0, -1, 2]] },
  { op: 'Transpose', what: 'to channels last', inputs: [IMAGES], attributes: { perm: ints([0, 2, 3, 1]) } },
  { op: 'Transpose', what: 'from channels last', inputs: [IMAGES], attributes: { perm: ints([0, 3, 1, 2]) } },
  { op: 'Transpose', what: 'reversed', inputs: [SMALL] },
  { op: 'Concat', what: 'channels', inputs: [IMAGES, [2, 1, 5, 4]], attributes: { axis: int(1) } },
  {
    op: 'Concat',
    what: 'rows of a matrix',
    inputs: [
      [2, 3],
      [1, 3],
    ],
    attributes: { axis: int(-2) },
  },
  {
    op: 'Split',
    what: 'channels',
    inputs: [IMAGES],
    constants: [[1, 5]],
    attributes: { axis: int(1) },
    outputs: 2,
  },
  { op: 'Split', what: 'equal', inputs: [[6, 3]], outputs: 3 },
  { op: 'Slice', what: 'channels', inputs: [IMAGES], constants: [[1], [-1], [1]] },
  {
    op: 'Slice',
    what: 'with steps',
    inputs: [IMAGES],
    constants: [
      [0, -1],
      [100, -100],
      [2, 3],
      [2, -2],
    ],
  },
  { op: 'Slice', what: 'of nothing left', inputs: [[5, 3]], constants: [[3], [2], [0]] },
  { op: 'Pad', what: 'zeros', inputs: [IMAGES], constants: [[0, 1, 2, 0, 0, 0, 1, 3]] },
  { op: 'Pad', what: 'a value', inputs: [SMALL], constants: [[0, 1, 2, 0, 0, 1], { dims: [], data: [2.5] }] },
  { op: 'Pad', what: 'cut', inputs: [IMAGES], constants: [[0, 0, -1, 1, 0, -2, 1, -1]] },
  {
    op: 'Pad',
    what: 'reflect',
    inputs: [IMAGES],
    constants: [[0, 0, 2, 1, 0, 0, 1, 3]],
    attributes: { mode: str('reflect') },
  },
  {
    op: 'Pad',
    what: 'edge',
    inputs: [IMAGES],
    constants: [[0, 0, 2, 1, 0, 0, 1, 3]],
    attributes: { mode: str('edge') },
  },
  { op: 'Expand', what: 'pixels', inputs: [[2, 6, 1, 1]], constants: [[2, 6, 5, 4]] },
  { op: 'Expand', what: 'a new axis', inputs: [[3, 1]], constants: [[2, 1, 4]] },
  { op: 'Tile', what: 'twice and thrice', inputs: [[2, 3]], constants: [[2, 3]] },
  { op: 'Gather', what: 'channels', inputs: [IMAGES], constants: [[5, 0, -2]], attributes: { axis: int(1) } },
  { op: 'GatherND', what: 'rows', inputs: [[3, 2, 4]], constants: [{ dims: [2, 2], data: [0, 1, -1, 0] }] },
  {
    op: 'GatherND',
    what: 'of each image',
    inputs: [[2, 3, 4]],
    constants: [{ dims: [2, 1], data: [2, -3] }],
    attributes: { batch_dims: int(1) },
  },
  {
    op: 'GatherElements',
    what: 'columns',
    inputs: [[3, 4]],
    constants: [{ dims: [2, 4], data: [0, 1, 2, -1, 2, 2, 0, 1] }],
  },
  ...(['none', 'add', 'max', 'min'] as const).flatMap((reduction): Case[] => [
    {
      op: 'ScatterND',
      what: reduction,
      inputs: [[4, 3]],
      constants: [
        { dims: [2, 1], data: [2, -4] },
        { dims: [2, 3], data: [1, -2, 3, -4, 5, 0.5] },
      ],
      attributes: { reduction: str(reduction) },
    },
    {
      op: 'ScatterElements',
      what: reduction,
      inputs: [[4, 3]],
      constants: [
        { dims: [2, 2], data: [2, 0, 1, -1] },
        { dims: [2, 2], data: [1, -2, 3, -4] },
      ],
      attributes: { reduction: str(reduction), axis: int(1) },
    },
  ]),

  {
    op: 'MatMul',
    what: 'matrices',
    inputs: [
      [3, 4],
      [4, 5],
    ],
  },
  {
    op: 'MatMul',
    what: 'batches that broadcast',
    inputs: [
      [2, 1, 3, 4],
      [5, 4, 2],
    ],
  },
  { op: 'MatMul', what: 'a vector on the left', inputs: [[4], [2, 4, 3]] },
  { op: 'MatMul', what: 'a vector on the right', inputs: [[2, 3, 4], [4]] },
  { op: 'MatMul', what: 'vectors', inputs: [[4], [4]] },
  {
    op: 'Gemm',
    what: 'scaled',
    inputs: [[4, 3], [5, 4], [5]],
    attributes: { transA: int(1), transB: int(1), alpha: float(0.3), beta: float(2) },
  },

  { op: 'LayerNormalization', what: 'last axis', inputs: [SMALL, [4], [4]] },
  {
    op: 'LayerNormalization',
    what: 'two axes, no bias',
    inputs: [SMALL, [3, 4]],
    attributes: { axis: int(1), epsilon: float(0.1) },
  },
  ...[IMAGES, [3, 6], [6, 6, 5], [2, 6, 3, 2, 2]].map(
    (dims): Case => ({
      op: 'BatchNormalization',
      what: `with running statistics, ${dims.length} axes`,
      inputs: [dims, [6], [6], [6], [6]],
      mean: 2,
      std: 0.3,
    }),
  ),

  ...['MaxPool', 'AveragePool'].flatMap((op) => [
    pool(op, 'side by side', { strides: ints([3, 2]) }),
    pool(op, 'one apart', {}),
    pool(op, 'padded', { pads: ints([1, 0, 2, 1]), strides: ints([2, 1]) }),
    pool(op, 'ceil', { strides: ints([2, 3]), ceil_mode: int(1) }, [2, 3, 8, 9]),
    pool(
      op,
      'ceil, padded',
      { pads: ints([1, 1, 1, 1]), strides: ints([2, 2]), ceil_mode: int(1) },
      [2, 3, 8, 8],
    ),
    pool(op, 'pixels left over', { strides: ints([3, 3]) }, [2, 3, 8, 8]),
    pool(op, 'same upper', { auto_pad: str('SAME_UPPER'), strides: ints([2, 2]) }),
    pool(op, 'same lower', { auto_pad: str('SAME_LOWER'), strides: ints([2, 2]) }),
  ]),
  pool('MaxPool', 'with holes', { dilations: ints([2, 3]), pads: ints([1, 1, 0, 1]), strides: ints([2, 1]) }),
  pool('AveragePool', 'pads count', { pads: ints([1, 0, 2, 1]), count_include_pad: int(1) }),
  ...each('GlobalAveragePool GlobalMaxPool', { what: 'pixels' }),
  ...each('GlobalAveragePool GlobalMaxPool', { what: 'one axis', inputs: [SMALL] }),

  conv('dense', [2, 6, 7, 8], [4, 6, 3, 3], { pads: ints([1, 1, 1, 1]) }),
  conv('with holes', [2, 3, 9, 8], [4, 3, 3, 2], { dilations: ints([2, 3]), pads: ints([2, 1, 0, 3]) }),
  conv('groups', [2, 6, 7, 8], [4, 3, 3, 3], { group: int(2), strides: ints([2, 2]) }),
  conv('depthwise', [2, 6, 7, 8], [6, 1, 3, 3], { group: int(6), pads: ints([1, 1, 1, 1]) }),
  conv('depthwise, stride 2', [2, 6, 8, 8], [6, 1, 3, 3], {
    group: int(6),
    pads: ints([1, 1, 1, 1]),
    strides: ints([2, 2]),
  }),
  conv('depthwise, two a channel', [2, 3, 7, 8], [6, 1, 5, 3], { group: int(3), pads: ints([2, 1, 2, 1]) }),
  conv('depthwise with holes', [2, 3, 9, 8], [3, 1, 3, 3], { group: int(3), dilations: ints([2, 2]) }),
  conv('depthwise, another stride each way', [2, 3, 9, 8], [3, 1, 3, 3], {
    group: int(3),
    strides: ints([2, 1]),
  }),
  conv('same upper', [2, 3, 9, 8], [4, 3, 3, 2], { auto_pad: str('SAME_UPPER'), strides: ints([2, 2]) }),
];

for (const op of new Set(CASES.map((one) => one.op))) {
  describe(op, { skip }, () => {
    for (const one of CASES.filter((other) => other.op === op)) {
      it(one.what, async () => {
        const tf = await loadTensorFlow();
        const { graph, feeds } = graphOf(one);
        const expected = await runOrt(graph, feeds);
        for (const layout of ['plain', 'channels-last'] as const) {
          const actual = runTfjs(tf, graph, feeds, layout);
          for (const [name, values] of Object.entries(expected)) {
            assert.equal(actual[name]!.length, values.length, `${layout}: size`);
            if (values.length === 0 || values.every((value, i) => value === actual[name]![i])) continue;
            const error = relativeError64(actual[name]!, Array.from(values, Number));
            assert.ok(error < 1e-5, `${layout}: ${name} is off by ${error}`);
          }
        }
      });
    }
  });
}

describe('the gradient of a pool is what its values change by', { skip }, () => {
  for (const { op, what, inputs, attributes } of CASES.filter((one) => /^(Max|Average)Pool$/.test(one.op))) {
    it(`${op}, ${what}`, async () => {
      const tf = await loadTensorFlow();
      const k = new Kernels(tf);
      const random = new Random(3);
      const [, , height, width] = inputs[0]!;
      const dims = [1, 1, height!, width!];
      const size = sizeOf(dims);
      // Values so far apart that a step makes none the largest that was not.
      const STEP = 2 ** -4;
      const x = Float32Array.from(
        Array.from({ length: size }, (_, i) => [random.normal(), i] as const).sort(([a], [b]) => a - b),
        ([, i]) => i / 4,
      );
      const b = new GraphBuilder('pool');
      b.node(op, [b.input('x', 'float32', dims)], attributes ?? {}, { name: 'y' });
      b.output('y', 'float32', []);
      const g = new GraphBuilder('gradient');
      const given = ['dy', 'x', ...(op === 'MaxPool' ? ['y'] : [])];
      for (const name of given) g.input(name, 'float32', []);
      g.node(`${op}Grad`, given, attributes ?? {}, { domain: TRAINING, name: 'dx' });
      g.output('dx', 'float32', []);
      const [forward, backward] = [b.graph, g.graph].map((graph) => new GraphInterpreter(tf, { graph }));
      tf.tidy(() => {
        const pooled = (values: Float32Array) =>
          toPlain(
            k,
            forward!.run({ x: plain(tf.tensor(values, [values.length / size, ...dims.slice(1)])) }).get('y')!,
          );
        const y = pooled(x);
        const seed = Float32Array.from({ length: y.size }, () => random.normal());
        // An image for each value moved up or down.
        const moved = Float32Array.from({ length: 2 * size * size }, (_, i) => {
          const isMoved = Math.floor(i / size / 2) === i % size;
          return x[i % size]! + (isMoved ? (Math.floor(i / size) % 2 === 0 ? STEP : -STEP) : 0);
        });
        const values = pooled(moved).dataSync();
        const sums = Array.from({ length: 2 * size }, (_, image) =>
          seed.reduce((sum, weight, i) => sum + weight * values[image * y.size + i]!, 0),
        );
        const changes = Array.from(x, (_, i) => (sums[2 * i]! - sums[2 * i + 1]!) / (2 * STEP));
        const feeds = { dy: plain(tf.tensor(seed, y.shape)), x: plain(tf.tensor(x, dims)), y: plain(y) };
        const dx = toPlain(k, backward!.run(feeds).get('dx')!).dataSync();
        const error = relativeError64(dx, changes);
        assert.ok(error < 1e-4, `off by ${error}`);
      });
    });
  }
});

it('every operator of ONNX that TensorFlow has is tested', () => {
  const tested = new Set(CASES.map(({ op }) => op));
  // Cast is what truths are read through.
  for (const op of OPERATORS.keys()) assert.ok(op.includes('.') || op === 'Cast' || tested.has(op), op);
});

function graphOf({ op, inputs, constants = [], attributes, outputs = 1, mean = 0, std = 1, cast }: Case): {
  graph: Graph;
  feeds: Feeds;
} {
  const b = new GraphBuilder('one');
  const random = new Random(7);
  const feeds: Feeds = {};
  const given = inputs.map((dims, i) => {
    const name = b.input(`x${i}`, 'float32', dims);
    feeds[name] = Float32Array.from({ length: sizeOf(dims) }, () => mean + std * random.normal());
    const isTruth = cast && ['And', 'Or', 'Xor', 'Not'].includes(op);
    return isTruth || (op === 'Where' && i === 0) ? b.node('Greater', [name, b.float32(0)]) : name;
  });
  const fixed = constants.map((constant, i) => {
    if (constant === undefined) return '';
    if ('dims' in constant) {
      const { dims, data } = constant;
      if (op.startsWith('Gather') || op === 'Range' || (op.startsWith('Scatter') && i === 0))
        return b.int64(data, dims);
      return b.initializer(`c${i}`, floatTensor(dims, data));
    }
    return b.int64(constant as readonly number[], [(constant as readonly number[]).length]);
  });
  const names = b.nodes(op, [...given, ...fixed], outputs, attributes ?? {});
  for (const name of names) {
    b.output(cast ? b.node('Cast', [name], { to: int(1) }) : name, 'float32', []);
  }
  return { graph: b.graph, feeds };
}

async function runOrt(graph: Graph, feeds: Feeds): Promise<Feeds> {
  // The outputs' shapes are onnxruntime's to find.
  const names = graph.outputs.map(({ name }) => name);
  const model = encodeModel({ ...graph, outputs: [] }, {}, { opset: 17 });
  const session = await openSession(Buffer.concat([model, encodeMoreOutputs(names)]));
  try {
    const given = graph.inputs.map(({ name, dims }) => {
      return [name, new OrtTensor('float32', feeds[name]!, dims.map(Number))] as const;
    });
    const results = await session.run(Object.fromEntries(given));
    return Object.fromEntries(
      Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]),
    );
  } finally {
    await session.release();
  }
}

function runTfjs(tf: TensorFlow, graph: Graph, feeds: Feeds, layout: Value['layout']): Feeds {
  const before = tf.memory().numTensors;
  const k = new Kernels(tf);
  const interpreter = new GraphInterpreter(tf, { graph });
  const results: Feeds = {};
  tf.tidy(() => {
    const given = graph.inputs.map(({ name, dims }): [string, Value] => {
      const tensor: Tensor = tf.tensor(feeds[name]!, dims.map(Number));
      if (layout === 'plain' || tensor.rank !== 4) return [name, plain(tensor)];
      return [name, channelsLast(k.transpose(tensor, inChannelsLast([0, 1, 2, 3])))];
    });
    for (const [name, value] of interpreter.run(Object.fromEntries(given))) {
      results[name] = toPlain(k, value).dataSync() as Float32Array;
    }
  });
  interpreter.dispose();
  assert.equal(tf.memory().numTensors, before, 'tensors left');
  return results;
}
