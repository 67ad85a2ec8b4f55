import { type Attribute, float, int, ints, str } from '../../../core/onnx/graph.ts';
import type { CaseNet } from './case-net.ts';
import type { GradientCase } from './gradient-cases.ts';

type Attributes = Record<string, Attribute>;
type Dims = readonly number[];

/** On an input of normal numbers, or of these; followed by nothing. */
function on(name: string, dims: Dims, build: (net: CaseNet, x: string) => string, input = {}): GradientCase {
  return { name, build: (net) => net.output(build(net, net.input(dims, input))) };
}

/** One operator on one input. */
function one(
  op: string,
  name: string,
  attributes: Attributes = {},
  dims: Dims = [2, 5, 3],
  input = {},
): GradientCase {
  return on(name, dims, (net, x) => net.node(op, [x], attributes), input);
}

/** Blocks put together to an image. */
function blocks(
  name: string,
  dims: Dims,
  image: readonly number[],
  block: readonly number[],
  attributes: Attributes = {},
): GradientCase {
  return on(name, dims, (net, x) =>
    net.node('Col2Im', [x, net.integers(image), net.integers(block)], attributes),
  );
}

/** One operator of several inputs that broadcast. */
function joint(op: string, name: string, shapes: readonly Dims[], input = {}): GradientCase {
  return {
    name,
    build: (net) =>
      net.output(
        net.node(
          op,
          shapes.map((dims) => net.input(dims, input)),
        ),
      ),
  };
}

/** Parts of one value along an axis, each multiplied by weights of its own. */
function slices(
  name: string,
  dims: Dims,
  axis: number,
  ...parts: [from: number, to: number][]
): GradientCase {
  return {
    name,
    build(net) {
      const x = net.input(dims);
      for (const [from, to] of parts) {
        const bounds = [from, to, axis].map((value) => net.integers([value]));
        const part = net.node('Slice', [x, ...bounds]);
        net.output(net.mul(part, net.weight(net.dims(part))));
      }
    },
  };
}

/** x (1 + erf(x / sqrt 2)) / 2 as PyTorch's exporters write it, and with a factor that makes it another function. */
export const GELU_SPELLINGS: readonly [name: string, build: (net: CaseNet, x: string) => string][] = [
  [
    'halved at the end',
    (net, x) => {
      const erf = net.node('Erf', [net.node('Div', [x, net.floats([Math.SQRT2], [])])]);
      return net.mul(net.mul(x, net.node('Add', [erf, net.floats([1], [])])), net.floats([0.5], []));
    },
  ],
  [
    'x halved first',
    (net, x) => {
      const erf = net.node('Erf', [net.mul(x, net.floats([Math.SQRT1_2], []))]);
      return net.mul(net.mul(x, net.floats([0.5], [])), net.node('Add', [erf, net.floats([1], [])]));
    },
  ],
  [
    'the sum halved first',
    (net, x) => {
      const erf = net.node('Erf', [net.node('Div', [x, net.floats([Math.SQRT2], [])])]);
      return net.mul(net.mul(net.floats([0.5], []), net.node('Add', [net.floats([1], []), erf])), x);
    },
  ],
  [
    'almost: erf of x alone',
    (net, x) =>
      net.mul(
        net.mul(x, net.node('Add', [net.node('Erf', [x]), net.floats([1], [])])),
        net.floats([0.5], []),
      ),
  ],
];

const POSITIVE = { mean: 4, std: 0.5 };

function binary(op: string, input = {}): GradientCase[] {
  return [
    joint(
      op,
      'equal shapes',
      [
        [2, 3, 4],
        [2, 3, 4],
      ],
      input,
    ),
    joint(op, 'a vector on the right', [[2, 3, 4], [4]], input),
    joint(op, 'a scalar on the left', [[], [2, 3]], input),
    joint(
      op,
      'both broadcast',
      [
        [2, 1, 4],
        [3, 1],
      ],
      input,
    ),
    on('with what follows from it', [3, 4], (net, x) => net.node(op, [x, net.mul(x, x)]), input),
  ];
}

function variadic(op: string): GradientCase[] {
  return [
    joint(op, 'one', [[2, 3]]),
    joint(op, 'two', [
      [2, 3],
      [2, 3],
    ]),
    joint(op, 'three that broadcast', [[2, 3, 4], [4], [3, 1]]),
  ];
}

/** A reduction over some axes, as attribute and as input, kept and dropped. */
function reduction(op: string, input = {}): GradientCase[] {
  const dims = [2, 3, 4];
  const withInput =
    (axes: readonly number[], attributes: Attributes = {}) =>
    (net: CaseNet, x: string) =>
      net.node(op, [x, net.integers(axes)], attributes);
  return [
    on('the last axis, an input', dims, withInput([-1]), input),
    on('two axes, dropped', dims, withInput([0, 2], { keepdims: int(0) }), input),
    one(op, 'all', {}, dims, input),
    one(op, 'all, dropped', { keepdims: int(0) }, dims, input),
    on('none, by an attribute', dims, (net, x) => net.node(op, [x], { noop_with_empty_axes: int(1) }), input),
    ...(op === 'ReduceSum' ? [] : [one(op, 'axes as an attribute', { axes: ints([1, -1]) }, dims, input)]),
  ];
}

function slice(
  name: string,
  dims: Dims,
  starts: readonly number[],
  ends: readonly number[],
  axes?: readonly number[],
  steps?: readonly number[],
): GradientCase {
  return on(name, dims, (net, x) =>
    net.node('Slice', [
      x,
      net.integers(starts),
      net.integers(ends),
      ...(axes || steps ? [axes ? net.integers(axes) : ''] : []),
      ...(steps ? [net.integers(steps)] : []),
    ]),
  );
}

function pad(name: string, dims: Dims, pads: readonly number[], mode?: string, value?: number): GradientCase {
  return on(name, dims, (net, x) => {
    const inputs = [x, net.integers(pads), ...(value === undefined ? [] : [net.floats([value], [])])];
    return net.node('Pad', inputs, mode ? { mode: str(mode) } : {});
  });
}

function resize(
  name: string,
  dims: Dims,
  to: { scales?: readonly number[]; sizes?: readonly number[] },
  attributes: Attributes,
): GradientCase {
  return on(name, dims, (net, x) => {
    const { scales, sizes } = to;
    const inputs = [x, '', scales ? net.floats(scales) : '', ...(sizes ? [net.integers(sizes)] : [])];
    return net.node('Resize', inputs, attributes);
  });
}

function gather(
  name: string,
  dims: Dims,
  indices: readonly number[],
  shape: Dims,
  axis?: number,
): GradientCase {
  return on(name, dims, (net, x) =>
    net.node('Gather', [x, net.integers(indices, shape)], axis === undefined ? {} : { axis: int(axis) }),
  );
}

function matmul(name: string, a: Dims, b: Dims): GradientCase {
  return joint('MatMul', name, [a, b]);
}

function einsum(equation: string, ...shapes: Dims[]): GradientCase {
  return {
    name: equation,
    build: (net) =>
      net.output(
        net.node(
          'Einsum',
          shapes.map((dims) => net.input(dims)),
          { equation: str(equation) },
        ),
      ),
  };
}

interface AttentionShape {
  q: Dims;
  k: Dims;
  v?: Dims;
  mask?: (net: CaseNet) => string;
}

function attention(
  name: string,
  { q, k, v = k, mask }: AttentionShape,
  attributes: Attributes = {},
): GradientCase {
  return {
    name,
    build: (net) => {
      const inputs = [net.input(q), net.input(k), net.input(v), ...(mask ? [mask(net)] : [])];
      net.output(net.node('Attention', inputs, attributes));
    },
  };
}

/** A norm with scale and bias of one value a channel, or of other shapes. */
function norm(
  op: string,
  name: string,
  dims: Dims,
  attributes: Attributes = {},
  parameters?: readonly Dims[],
): GradientCase {
  return on(name, dims, (net, x) => {
    const shapes = parameters ?? [[dims[1]!], [dims[1]!]];
    return net.node(op, [x, ...shapes.map((shape, i) => net.weight(shape, 0.3, 1 - i))], attributes);
  });
}

function scatter(
  op: string,
  name: string,
  dims: Dims,
  [indices, shape]: [number[], Dims],
  updates: Dims,
  attributes: Attributes = {},
): GradientCase {
  return on(name, dims, (net, x) =>
    net.node(op, [x, net.integers(indices, shape), net.input(updates)], attributes),
  );
}

/** Batch norm of other axes than our own nets'. */
export const BATCH_NORM_CASES: readonly GradientCase[] = [
  [6, 5],
  [3, 5, 4],
  [2, 3, 2, 3, 2],
].map((dims) => on(`of ${dims.length} axes`, dims, (net, x) => net.norm(x)));

/** Cases of the operators that our own nets have none of. */
export const OPERATOR_CASES: Readonly<Record<string, readonly GradientCase[]>> = {
  Tanh: [one('Tanh', 'any')],
  Softplus: [one('Softplus', 'any')],
  Softsign: [one('Softsign', 'any')],
  LeakyRelu: [one('LeakyRelu', 'default'), one('LeakyRelu', 'alpha', { alpha: float(0.25) })],
  ThresholdedRelu: [
    one('ThresholdedRelu', 'default'),
    one('ThresholdedRelu', 'alpha', { alpha: float(0.25) }),
  ],
  Elu: [one('Elu', 'default'), one('Elu', 'alpha', { alpha: float(0.5) })],
  Selu: [one('Selu', 'default'), one('Selu', 'others', { alpha: float(0.5), gamma: float(2) })],
  Celu: [one('Celu', 'default'), one('Celu', 'alpha', { alpha: float(0.5) })],
  PRelu: [
    on('a slope a channel', [2, 3, 4, 4], (net, x) => net.node('PRelu', [x, net.weight([3, 1, 1])])),
    on('one slope', [2, 3, 4], (net, x) => net.node('PRelu', [x, net.weight([1])])),
    on('a slope an element', [2, 3], (net, x) => net.node('PRelu', [x, net.weight([2, 3])])),
  ],
  Clip: [
    on('0 to 6', [2, 5, 3], (net, x) => net.node('Clip', [x, net.floats([0], []), net.floats([6], [])]), {
      std: 5,
    }),
    on('bounds of shape [1]', [2, 5], (net, x) =>
      net.node('Clip', [x, net.floats([-0.5]), net.floats([0.5])]),
    ),
    on('below alone', [2, 5], (net, x) => net.node('Clip', [x, net.floats([-0.5], [])])),
    on('above alone', [2, 5], (net, x) => net.node('Clip', [x, '', net.floats([0.5], [])])),
    one('Clip', 'no bounds'),
  ],
  HardSigmoid: [
    one('HardSigmoid', 'default', {}, [4, 8], { std: 3 }),
    one('HardSigmoid', "PyTorch's", { alpha: float(1 / 6), beta: float(0.5) }, [4, 8], { std: 3 }),
  ],
  HardSwish: [one('HardSwish', 'any', {}, [4, 8], { std: 3 })],
  Swish: [one('Swish', 'default'), one('Swish', 'alpha', { alpha: float(1.7) })],
  Mish: [one('Mish', 'any')],
  Gelu: [
    one('Gelu', 'default'),
    one('Gelu', 'none', { approximate: str('none') }),
    one('Gelu', 'tanh', { approximate: str('tanh') }),
  ],

  Neg: [one('Neg', 'any')],
  Abs: [one('Abs', 'any')],
  Reciprocal: [one('Reciprocal', 'any', {}, [2, 5], POSITIVE)],
  Sqrt: [one('Sqrt', 'any', {}, [2, 5], POSITIVE)],
  Exp: [one('Exp', 'any')],
  Log: [one('Log', 'any', {}, [2, 5], POSITIVE)],
  Tan: [one('Tan', 'any', {}, [2, 5, 3], { std: 0.4 })],
  Asin: [one('Asin', 'any', {}, [2, 5, 3], { std: 0.2 })],
  Acos: [one('Acos', 'any', {}, [2, 5, 3], { std: 0.2 })],
  Atan: [one('Atan', 'any')],
  Sinh: [one('Sinh', 'any')],
  Cosh: [one('Cosh', 'any')],
  Asinh: [one('Asinh', 'any')],
  Acosh: [one('Acosh', 'any', {}, [2, 5, 3], { mean: 4, std: 0.5 })],
  Atanh: [one('Atanh', 'any', {}, [2, 5, 3], { std: 0.2 })],
  CumSum: [
    ...[{}, { exclusive: int(1) }, { reverse: int(1) }, { exclusive: int(1), reverse: int(1) }].map(
      (attributes) =>
        on(`with ${Object.keys(attributes).join(' and ') || 'neither'}`, [2, 5, 3], (net, x) =>
          net.node('CumSum', [x, net.integers([1], [])], attributes),
        ),
    ),
    on('of the last axis', [2, 5, 3], (net, x) => net.node('CumSum', [x, net.integers([-1], [])])),
  ],
  Trilu: [
    one('Trilu', 'upper', {}, [2, 4, 5]),
    one('Trilu', 'lower', { upper: int(0) }, [2, 5, 4]),
    ...[-2, 1].flatMap((k) =>
      [0, 1].map((upper) =>
        on(`${upper ? 'upper' : 'lower'}, from ${k}`, [4, 5], (net, x) =>
          net.node('Trilu', [x, net.integers([k], [])], { upper: int(upper) }),
        ),
      ),
    ),
  ],
  TopK: [
    ...[0, 1].map((largest) =>
      on(
        `the ${largest ? 'largest' : 'smallest'} two`,
        [3, 5],
        (net, x) => net.nodes('TopK', [x, net.integers([2])], 2, { largest: int(largest) })[0]!,
      ),
    ),
    on(
      'along another axis',
      [2, 5, 3],
      (net, x) => net.nodes('TopK', [x, net.integers([3])], 2, { axis: int(1) })[0]!,
    ),
  ],
  LRN: [
    one('LRN', 'of three channels', { size: int(3), alpha: float(0.5) }, [2, 6, 3, 2]),
    one(
      'LRN',
      'with a bias of 2',
      { size: int(3), alpha: float(0.9), beta: float(0.5), bias: float(2) },
      [2, 4, 2, 3],
    ),
    one('LRN', "AlexNet's, of 16 channels", { size: int(5), alpha: float(1e-4) }, [1, 16, 3, 3]),
    one('LRN', 'of more than there are', { size: int(9), alpha: float(1) }, [2, 3, 2, 2]),
  ],
  MeanVarianceNormalization: [
    one('MeanVarianceNormalization', 'a channel', {}, [2, 3, 4, 2]),
    one('MeanVarianceNormalization', 'other axes', { axes: ints([1, 2]) }, [2, 3, 4]),
  ],
  GlobalLpPool: [1, 2, 3].map((p) => one('GlobalLpPool', `p of ${p}`, { p: int(p) }, [2, 3, 3, 4])),
  LpPool: [
    one('LpPool', '2x2, p of 2', { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }, [2, 3, 4, 6]),
    one(
      'LpPool',
      '3x3, padded, p of 3',
      { kernel_shape: ints([3, 3]), pads: ints([1, 0, 1, 2]), p: int(3) },
      [1, 4, 5, 4],
    ),
    one(
      'LpPool',
      'p of 1, pixels that none reads',
      { kernel_shape: ints([2, 2]), strides: ints([3, 2]), p: int(1) },
      [2, 2, 6, 5],
    ),
    one('LpPool', 'one axis', { kernel_shape: ints([3]), strides: ints([2]) }, [2, 3, 7]),
    one(
      'LpPool',
      'padded of itself',
      { kernel_shape: ints([3, 3]), strides: ints([2, 2]), auto_pad: str('SAME_UPPER') },
      [1, 3, 5, 6],
    ),
    one(
      'LpPool',
      '16 channels, dilated, windows beside the image',
      { kernel_shape: ints([3, 2]), dilations: ints([1, 2]), strides: ints([2, 2]), ceil_mode: int(1) },
      [1, 16, 6, 6],
    ),
  ],
  Sin: [one('Sin', 'any')],
  Cos: [one('Cos', 'any')],
  Erf: [
    one('Erf', 'any'),
    ...GELU_SPELLINGS.map(([name, build]) => on(`within a GELU: ${name}`, [2, 5], build)),
  ],
  ...Object.fromEntries(
    ['Sign', 'Floor', 'Ceil', 'Round'].map((op) => [
      op,
      [on('beside another way', [2, 5], (net, x) => net.mul(x, net.node(op, [x])), { std: 3 })],
    ]),
  ),
  Sub: binary('Sub'),
  Div: binary('Div', POSITIVE),
  Sum: variadic('Sum'),
  Mean: variadic('Mean'),
  Max: variadic('Max'),
  Min: variadic('Min'),
  Pow: [
    joint(
      'Pow',
      'a computed exponent',
      [
        [2, 3],
        [2, 3],
      ],
      POSITIVE,
    ),
    joint('Pow', 'a computed exponent that broadcasts', [[2, 3], [3]], POSITIVE),
    on('to the 0', [2, 5], (net, x) => net.mul(x, net.node('Pow', [x, net.floats([0], [])]))),
    ...[2, 3, 1].map((exponent) =>
      on(`to the ${exponent}`, [2, 5], (net, x) => net.node('Pow', [x, net.floats([exponent], [])])),
    ),
    on('to a half', [2, 5], (net, x) => net.node('Pow', [x, net.floats([0.5], [])]), POSITIVE),
    on('to a whole number of another type', [2, 5], (net, x) => net.node('Pow', [x, net.integers([2], [])])),
    on('of a constant', [2, 5], (net, x) => net.node('Pow', [net.floats([2], []), x])),
  ],
  Where: [
    {
      name: 'two values',
      build: (net) =>
        net.output(
          net.node('Where', [net.integers([1, 0, 0, 1], [4], 'bool'), net.input([3, 4]), net.input([3, 1])]),
        ),
    },
    on('with a constant', [3, 4], (net, x) =>
      net.node('Where', [net.integers([1, 0, 1], [3, 1], 'bool'), x, net.floats([-5], [])]),
    ),
  ],

  ReduceSum: [
    ...reduction('ReduceSum'),
    on('over many rows', [2, 150, 70], (net, x) => net.node('ReduceSum', [x, net.integers([0, 1])])),
  ],
  ReduceMean: reduction('ReduceMean'),
  ReduceMax: reduction('ReduceMax'),
  ReduceMin: reduction('ReduceMin'),
  ReduceL1: reduction('ReduceL1'),
  ReduceL2: reduction('ReduceL2'),
  ReduceSumSquare: reduction('ReduceSumSquare'),
  ReduceLogSum: reduction('ReduceLogSum', POSITIVE),
  ReduceLogSumExp: reduction('ReduceLogSumExp'),
  ReduceProd: [
    ...reduction('ReduceProd'),
    {
      name: 'with zeros',
      build: (net) => {
        const factor = net.floats([1, 0, 1, 1, 0, 0, 1, 1, 1], [3, 3]);
        net.output(net.node('ReduceProd', [net.mul(net.input([3, 3]), factor)], { axes: ints([1]) }));
      },
    },
  ],
  GlobalMaxPool: [
    one('GlobalMaxPool', 'images', {}, [2, 3, 4, 5]),
    one('GlobalMaxPool', 'rows', {}, [2, 3, 7]),
    one('GlobalMaxPool', 'a channel a block', {}, [2, 16, 3, 3]),
  ],

  MatMul: [
    matmul('matrices', [3, 4], [4, 5]),
    matmul('a batch by a matrix', [2, 3, 4], [4, 5]),
    matmul('a matrix by a batch', [3, 4], [2, 4, 5]),
    matmul('batches', [2, 3, 4], [2, 4, 5]),
    matmul('batches that broadcast', [2, 1, 3, 4], [3, 4, 5]),
    matmul('a vector on the left', [4], [4, 5]),
    matmul('a vector on the right', [3, 4], [4]),
    matmul('two vectors', [4], [4]),
    matmul('a vector by a batch', [4], [2, 4, 5]),
    matmul('a batch by a vector', [2, 3, 4], [4]),
    on('with itself', [4, 4], (net, x) => net.node('MatMul', [x, x])),
  ],
  Einsum: [
    einsum('ij,jk->ik', [3, 4], [4, 5]),
    einsum('bhqd,bhkd->bhqk', [2, 3, 4, 5], [2, 3, 6, 5]),
    einsum('bhqk,bkhd->bqhd', [2, 3, 4, 6], [2, 6, 3, 5]),
    einsum('bhw,bkc->bhwkc'.replace('bkc->bhwkc', 'bkc->hwkc'), [2, 3, 4], [2, 5, 2]),
    einsum('nchw,oc->nohw', [2, 3, 4, 4], [5, 3]),
    einsum('...d,de->...e', [2, 3, 4], [4, 5]),
    einsum('i,j->ij', [3], [4]),
    einsum('i,i->', [4], [4]),
    einsum('ij->ji', [3, 4]),
    einsum('ijk->ik', [3, 4, 2]),
    einsum('ij,kj->k', [3, 4], [5, 4]),
    einsum('ij,jk,kl->il', [2, 3], [3, 4], [4, 2]),
    einsum('bij,bij->b', [2, 3, 4], [1, 3, 4]),
  ],
  Attention: [
    attention('heads', { q: [2, 3, 4, 5], k: [2, 3, 6, 5] }),
    attention('values of another size', { q: [2, 3, 4, 5], k: [2, 3, 6, 5], v: [2, 3, 6, 7] }),
    attention('a scale', { q: [1, 2, 3, 4], k: [1, 2, 3, 4] }, { scale: float(0.7) }),
    attention('three axes', { q: [2, 4, 6], k: [2, 5, 6] }, { q_num_heads: int(3), kv_num_heads: int(3) }),
    attention('fewer heads of keys', { q: [2, 4, 3, 5], k: [2, 2, 6, 5] }),
    attention(
      'fewer heads of keys, three axes',
      { q: [2, 4, 8], k: [2, 5, 4] },
      { q_num_heads: int(4), kv_num_heads: int(2) },
    ),
    attention('causal', { q: [1, 2, 4, 3], k: [1, 2, 4, 3] }, { is_causal: int(1) }),
    attention('a softcap', { q: [1, 2, 4, 3], k: [1, 2, 4, 3] }, { softcap: float(1.5) }),
    attention('a mask that is added, learned', {
      q: [2, 3, 4, 5],
      k: [2, 3, 6, 5],
      mask: (net) => net.weight([3, 4, 6]),
    }),
    attention('a mask of truth values', {
      q: [2, 2, 2, 3],
      k: [2, 2, 3, 3],
      mask: (net) => net.integers([1, 0, 1, 1, 1, 0], [2, 3], 'bool'),
    }),
    attention('a mask that leaves a query without keys', {
      q: [2, 2, 2, 3],
      k: [2, 2, 3, 3],
      mask: (net) => net.integers([1, 0, 1, 0, 0, 0], [2, 3], 'bool'),
    }),
    attention(
      'an added mask that leaves a query without keys',
      {
        q: [2, 4, 6],
        k: [2, 3, 6],
        mask: (net) => {
          const none = Number.NEGATIVE_INFINITY;
          return net.floats([0, none, 0.5, none, none, none, none, 1, none, 0, 0, 0], [4, 3]);
        },
      },
      { q_num_heads: int(2), kv_num_heads: int(2) },
    ),
    attention(
      'causal, with a mask that leaves the first query without keys',
      {
        q: [1, 2, 3, 3],
        k: [1, 2, 3, 3],
        mask: (net) => net.integers([0, 1, 1, 0, 1, 1, 1, 1, 1], [3, 3], 'bool'),
      },
      { is_causal: int(1) },
    ),
  ],
  Softmax: [
    one('Softmax', 'the last axis'),
    one('Softmax', 'another axis', { axis: int(1) }),
    one('Softmax', 'from the end', { axis: int(-2) }),
    one('Softmax', 'a matrix', {}, [3, 10]),
  ],
  LogSoftmax: [one('LogSoftmax', 'the last axis'), one('LogSoftmax', 'another axis', { axis: int(0) })],

  LayerNormalization: [
    norm('LayerNormalization', 'the last axis', [2, 3, 8], {}, [[8], [8]]),
    norm('LayerNormalization', 'without a bias', [2, 3, 8], { axis: int(-1) }, [[8]]),
    norm('LayerNormalization', 'two axes', [2, 3, 8], { axis: int(1), epsilon: float(1e-3) }, [
      [3, 8],
      [3, 8],
    ]),
  ],
  RMSNormalization: [
    norm('RMSNormalization', 'the last axis', [2, 3, 8], {}, [[8]]),
    norm('RMSNormalization', 'two axes', [2, 3, 8], { axis: int(-2), epsilon: float(1e-3) }, [[3, 8]]),
  ],
  InstanceNormalization: [
    norm('InstanceNormalization', 'images', [2, 3, 4, 5]),
    norm('InstanceNormalization', 'rows', [2, 3, 6], { epsilon: float(1e-3) }),
  ],
  GroupNormalization: [
    norm('GroupNormalization', 'a value a channel', [2, 6, 3, 4], { num_groups: int(2) }),
    norm('GroupNormalization', 'a value a group', [2, 6, 3, 4], { num_groups: int(2) }, [[2], [2]]),
    norm('GroupNormalization', 'one group', [2, 4, 5], { num_groups: int(1), epsilon: float(1e-3) }),
  ],
  LpNormalization: [
    one('LpNormalization', 'L2'),
    one('LpNormalization', 'L1 of another axis', { axis: int(1), p: int(1) }),
  ],

  Identity: [on('between', [2, 3], (net, x) => net.node('Identity', [net.sigmoid(x)]))],
  Cast: [one('Cast', 'to what it is', { to: int(1) })],
  CastLike: [on('like itself', [2, 3], (net, x) => net.node('CastLike', [x, net.floats([1])]))],
  Dropout: [on('at ratio 0', [2, 3], (net, x) => net.node('Dropout', [x, net.floats([0], [])]))],
  Reshape: [
    on('to known sizes', [2, 3, 4], (net, x) => net.node('Reshape', [x, net.integers([4, 6])])),
    on('kept and left over', [2, 3, 4], (net, x) => net.node('Reshape', [x, net.integers([0, -1])])),
  ],
  Squeeze: [
    on('axes', [2, 1, 3, 1], (net, x) => net.node('Squeeze', [x, net.integers([1])])),
    one('Squeeze', 'all', {}, [2, 1, 3, 1]),
  ],
  Unsqueeze: [on('axes', [2, 3], (net, x) => net.node('Unsqueeze', [x, net.integers([0, -1])]))],
  Transpose: [
    one('Transpose', 'reversed'),
    one('Transpose', 'an order', { perm: ints([2, 0, 1]) }),
    one('Transpose', 'of images', { perm: ints([0, 2, 3, 1]) }, [2, 16, 3, 4]),
  ],
  Concat: [
    ...[0, 1, -1].map(
      (axis): GradientCase => ({
        name: `along axis ${axis}`,
        build: (net) => {
          const sizes = [1, 2, 3].map((size) =>
            [2, 3, 4].map((dim, i) => (i === (axis + 3) % 3 ? size : dim)),
          );
          net.output(
            net.node(
              'Concat',
              sizes.map((dims) => net.input(dims)),
              { axis: int(axis) },
            ),
          );
        },
      }),
    ),
    on('with itself', [2, 3], (net, x) => net.node('Concat', [x, x], { axis: int(1) })),
    on('with a constant', [2, 3], (net, x) =>
      net.node('Concat', [net.floats([1, 2], [2, 1]), x], { axis: int(1) }),
    ),
  ],
  Split: [
    {
      name: 'equal parts, one of them unread',
      build: (net) => {
        const [a, , c] = net.nodes('Split', [net.input([2, 6])], 3, { axis: int(1) });
        net.output(net.mul(a!, c!));
      },
    },
    {
      name: 'given sizes',
      build: (net) =>
        net.output(...net.nodes('Split', [net.input([2, 6]), net.integers([1, 3, 2])], 3, { axis: int(-1) })),
    },
    {
      name: 'a smaller last one',
      build: (net) => net.output(...net.nodes('Split', [net.input([5, 2])], 2, { num_outputs: int(2) })),
    },
  ],
  Slice: [
    slice('a part', [4, 5], [1, 2], [3, 4]),
    slice('one axis', [4, 5, 3], [1], [4], [1]),
    slice('to the last', [4, 5], [2], [2 ** 31 - 1], [-1]),
    slice('from the end', [4, 5], [-3], [-1], [1]),
    slice('every second', [4, 7], [1], [7], [1], [2]),
    slice('every third, unread values after the last', [8, 2], [0], [7], [0], [3]),
    slice('backwards', [4, 5], [-1], [-(2 ** 31)], [1], [-1]),
    slice('backwards, every second', [2, 7], [5], [0], [1], [-2]),
    slice('two axes, one backwards', [4, 6], [0, 4], [4, 1], [0, 1], [2, -1]),
    slice('a corner of images', [2, 16, 5, 4], [1, 0], [5, 2], [2, 3]),
    slices('all parts of an axis', [6, 4], 0, [2, 5], [0, 2], [5, 6]),
    slices('all but one', [2, 6], 1, [0, 2], [3, 6]),
    slices('parts that overlap', [2, 6], 1, [0, 4], [3, 6]),
    slices('a part twice', [4, 3], 0, [0, 2], [2, 4], [0, 2]),
  ],
  Expand: [
    on('an axis', [3, 1], (net, x) => net.node('Expand', [x, net.integers([3, 4])])),
    on('a new axis', [3, 1], (net, x) => net.node('Expand', [x, net.integers([2, 1, 4])])),
    on('by less than it has', [2, 3], (net, x) => net.node('Expand', [x, net.integers([1])])),
  ],
  Tile: [
    on('both axes', [2, 3], (net, x) => net.node('Tile', [x, net.integers([2, 3])])),
    on('one axis', [2, 3, 1], (net, x) => net.node('Tile', [x, net.integers([1, 1, 4])])),
  ],
  Pad: [
    pad('zeros', [2, 3], [1, 0, 2, 1]),
    pad('a value', [2, 3], [0, 1, 0, 1], 'constant', 1.5),
    pad('less than nothing', [4, 5], [-1, 0, 0, -2]),
    pad('reflect', [2, 3, 4, 5], [0, 0, 1, 2, 0, 0, 3, 1], 'reflect'),
    pad('edge', [2, 3, 4, 5], [0, 0, 1, 2, 0, 0, 3, 1], 'edge'),
    on('some axes', [2, 3, 4], (net, x) =>
      net.node('Pad', [x, net.integers([1, 2]), '', net.integers([-1])]),
    ),
  ],
  DepthToSpace: [
    one('DepthToSpace', 'DCR', { blocksize: int(2) }, [2, 8, 3, 2]),
    one('DepthToSpace', 'CRD', { blocksize: int(2), mode: str('CRD') }, [2, 8, 3, 2]),
  ],
  SpaceToDepth: [one('SpaceToDepth', 'any', { blocksize: int(2) }, [2, 3, 4, 6])],
  Col2Im: [
    blocks('3x3, overlapping, as PyTorch folds', [2, 36, 12], [4, 3], [3, 3], { pads: ints([1, 1, 1, 1]) }),
    blocks('2x2 apart', [2, 12, 6], [4, 6], [2, 2], { strides: ints([2, 2]) }),
    blocks('strides, padding at one side', [1, 12, 6], [4, 5], [3, 2], {
      strides: ints([2, 2]),
      pads: ints([1, 0, 0, 1]),
    }),
    blocks('dilated', [1, 8, 15], [5, 8], [2, 2], { dilations: ints([2, 3]) }),
    blocks('pixels after the last block', [1, 8, 4], [5, 5], [2, 2], { strides: ints([2, 2]) }),
    blocks('one axis', [2, 9, 5], [7], [3]),
  ],
  Resize: [
    resize(
      'nearest, twice as large, as PyTorch exports it',
      [2, 3, 3, 4],
      { scales: [1, 1, 2, 2] },
      { mode: str('nearest'), coordinate_transformation_mode: str('asymmetric'), nearest_mode: str('floor') },
    ),
    resize('nearest, to sizes', [1, 2, 5, 4], { sizes: [1, 2, 3, 7] }, { mode: str('nearest') }),
    resize('linear, twice as large', [2, 3, 3, 4], { scales: [1, 1, 2, 2] }, { mode: str('linear') }),
    resize(
      'linear, smaller',
      [1, 2, 6, 5],
      { sizes: [1, 2, 4, 3] },
      { mode: str('linear'), coordinate_transformation_mode: str('pytorch_half_pixel') },
    ),
    resize(
      'linear, corners aligned',
      [1, 2, 3, 3],
      { sizes: [1, 2, 5, 4] },
      { mode: str('linear'), coordinate_transformation_mode: str('align_corners') },
    ),
  ],
  Gather: [
    gather('rows, some twice', [5, 3], [0, 2, 2, 4], [4]),
    gather('a matrix of indices along the last axis', [2, 5], [0, 4, 1, 1], [2, 2], 1),
    gather('one', [3, 4, 2], [1], [], 1),
    gather('one, from the end', [3, 4], [-1], [], 0),
    gather('consecutive ones', [2, 6], [2, 3, 4], [3], -1),
    on('computed indices', [3, 4], (net, x) =>
      net.node('Gather', [x, net.node('Identity', [net.integers([2, 0, 2])])]),
    ),
  ],
  GatherElements: [
    on('along an axis', [3, 4], (net, x) =>
      net.node('GatherElements', [x, net.integers([0, 0, -1, 1, 3, 3], [3, 2])], { axis: int(1) }),
    ),
  ],
  GatherND: [
    on('elements', [3, 4], (net, x) => net.node('GatherND', [x, net.integers([0, 1, 2, 3, 0, 1], [3, 2])])),
    on('rows, some twice', [3, 4], (net, x) =>
      net.node('GatherND', [x, net.integers([2, 0, -1, 2], [2, 2, 1])]),
    ),
  ],
  ScatterND: [
    scatter(
      'ScatterND',
      'rows',
      [4, 3],
      [
        [1, 3],
        [2, 1],
      ],
      [2, 3],
    ),
    scatter(
      'ScatterND',
      'elements',
      [4, 3],
      [
        [1, 2, 3, 0],
        [2, 2],
      ],
      [2],
    ),
    scatter(
      'ScatterND',
      'added, some twice',
      [4, 3],
      [
        [1, 1],
        [2, 1],
      ],
      [2, 3],
      { reduction: str('add') },
    ),
  ],
  ScatterElements: [
    scatter(
      'ScatterElements',
      'along the first axis',
      [4, 2],
      [
        [1, 0, 3, 2],
        [2, 2],
      ],
      [2, 2],
    ),
    scatter(
      'ScatterElements',
      'along the last, added',
      [2, 4],
      [
        [1, 1, 3, 0],
        [2, 2],
      ],
      [2, 2],
      { axis: int(-1), reduction: str('add') },
    ),
  ],
};
