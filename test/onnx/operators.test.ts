import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import {
  type Attribute,
  type DataType,
  type Dim,
  float,
  floatTensor,
  type Graph,
  int,
  int64Tensor,
  ints,
  sizeOf,
  str,
  type TensorValue,
} from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { OPERATORS } from '../../core/onnx/operators/index.ts';
import {
  inferKnownValues,
  inferShapes,
  inferTypes,
  type TensorShape,
} from '../../core/onnx/shape-inference.ts';
import { openSession } from '../../core/runtime/session.ts';
import { runAllValues } from './run-all-values.ts';

const PYTHON = process.env.ONNX_PYTHON ?? 'python3';
const NO_ONNX =
  spawnSync(PYTHON, ['-c', 'import onnx; assert onnx.defs.onnx_opset_version() >= 25']).status === 0
    ? false
    : `${PYTHON} has no onnx package that knows operator set 25; ONNX_PYTHON names another interpreter`;
/** Prints the attributes of each operator, of all versions that were current in operator sets 7 to 25. */
const ATTRIBUTES = `
import collections, json, onnx
versions, attributes = collections.defaultdict(list), collections.defaultdict(set)
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "": versions[schema.name].append(schema)
for name, schemas in versions.items():
    current = {max((s.since_version for s in schemas if s.since_version <= n), default=0) for n in range(7, 26)}
    for schema in schemas:
        if schema.since_version in current: attributes[name] |= set(schema.attributes)
print(json.dumps({name: sorted(found) for name, found in attributes.items()}))
`;
/** Attributes that are refused. */
const LEFT_OUT: Readonly<Record<string, string[]>> = {
  // With windows its cost would be another.
  Attention: ['left_window_size', 'right_window_size'],
  Constant: ['sparse_value', 'value_string', 'value_strings'],
};

/** The sizes of named dimensions; primes, so that none passes for another. */
const SIZES: Readonly<Record<string, number>> = { batch: 3, n: 7, h: 13, w: 11 };

type Input = '' | TensorValue | { dtype: DataType; dims: Dim[] };

interface Row {
  inputs: Input[];
  attributes?: Record<string, Attribute>;
  outputs?: number;
  /** The one operator set that it is of; by default 21, and others that have it. */
  opset?: number;
}

const x = (...dims: Dim[]): Input => ({ dtype: 'float32', dims });
const of = (dtype: DataType, ...dims: Dim[]): Input => ({ dtype, dims });
const weight = (...dims: number[]): TensorValue =>
  floatTensor(dims, new Float32Array(sizeOf(dims)).fill(0.5));
const i64 = (...values: number[]): TensorValue => int64Tensor(values);
const scalar = (value: number): TensorValue => floatTensor([], [value]);
const index = (value: number): TensorValue => int64Tensor([value], []);
const bytes = (dtype: 'int8' | 'uint8', ...dims: number[]): TensorValue => ({
  dtype,
  dims,
  data: dtype === 'int8' ? new Int8Array(sizeOf(dims)) : new Uint8Array(sizeOf(dims)),
});
const tensor = (value: TensorValue): Attribute => ({ type: 'tensor', value });
const floats = (...value: number[]): Attribute => ({ type: 'floats', value });

const row = (inputs: Input[], attributes: Record<string, Attribute> = {}, more: Partial<Row> = {}): Row => ({
  inputs,
  attributes,
  ...more,
});

const image = x('batch', 4, 13, 11);
const square = { kernel_shape: ints([3, 3]) };
const uneven = { pads: ints([1, 0, 2, 1]), strides: ints([2, 3]) };

/** Rows of a convolution, whose weight and the rest of its inputs differ. */
const windows = (inputs: (kernel: number[], inC: number) => Input[], more: Partial<Row> = {}): Row[] => [
  row(inputs([3, 3], 4), {}, more),
  row(inputs([3, 2], 4), { ...uneven, dilations: ints([2, 4]), kernel_shape: ints([3, 2]) }, more),
  row(inputs([1, 1], 2), { group: int(2) }, more),
  ...['SAME_UPPER', 'SAME_LOWER', 'VALID', 'NOTSET'].map((pad) =>
    row(inputs([3, 2], 4), { auto_pad: str(pad), strides: ints([2, 3]) }, more),
  ),
];

const pools = (more: Record<string, Attribute>, opset = 22): Row[] => [
  row([image], { ...square, ...more }, { opset: 13 }),
  row([image], { ...square, ...uneven, ...more }, { opset }),
  row([image], { ...square, ...uneven, ...more, ceil_mode: int(1) }, { opset }),
  row(
    [image],
    { ...square, ...more, ceil_mode: int(1), strides: ints([2, 2]), dilations: ints([2, 3]) },
    { opset },
  ),
  // Rounded up, the last window would start in the padding.
  row(
    [x('batch', 1, 4, 4)],
    {
      ...{ ...more, ceil_mode: int(1), kernel_shape: ints([1, 2]), strides: ints([4, 4]) },
      pads: ints([0, 1, 0, 1]),
    },
    { opset },
  ),
  ...['SAME_UPPER', 'SAME_LOWER', 'VALID'].map((pad) =>
    row([image], { ...square, ...more, auto_pad: str(pad), strides: ints([2, 3]) }, { opset }),
  ),
  row([x('batch', 4, 13)], { kernel_shape: ints([2]), ...more }, { opset }),
];

const float1 = [row([image]), row([x()])];
const withFloat = (...names: string[]): Row[] => [
  row([image], Object.fromEntries(names.map((name) => [name, float(0.5)]))),
];
const two = (dtype: DataType = 'float32', opset = 21): Row[] => [
  row([of(dtype, 'batch', 4, 5), of(dtype, 'batch', 4, 5)], {}, { opset }),
  row([of(dtype, 'batch', 1, 5), of(dtype, 4, 1)], {}, { opset }),
  row([of(dtype), of(dtype, 'n', 3)], {}, { opset }),
];
const many = [...two(), row([x('n', 1, 1), x(2, 1), x(3)]), row([x('n', 3)])];
const reductions = (firstWithInput: number): Row[] => [
  row([image], { keepdims: int(0) }, { opset: firstWithInput }),
  row([image, i64(-1, 1)], { keepdims: int(1) }, { opset: firstWithInput }),
  row([image, i64(0)], { keepdims: int(0) }, { opset: firstWithInput }),
  row([image, i64()], { noop_with_empty_axes: int(1) }, { opset: firstWithInput }),
  row([image, i64()], { noop_with_empty_axes: int(0) }, { opset: firstWithInput }),
  row([image], { axes: ints([2, -1]) }, { opset: firstWithInput - 2 }),
];
const alongAxis = [row([x('n', 10)]), row([image], { axis: int(1) }), row([image], { axis: int(-2) })];
const argument = [row([image]), row([image], { axis: int(-1), keepdims: int(0), select_last_index: int(1) })];
const channels = [weight(4), weight(4)];
const spaces = (dims: Dim[], more: Record<string, Attribute>): Row =>
  row([x(...dims)], { blocksize: int(2), ...more });
const ofQuantized = (inputs: Input[]): Input[] => [
  of('uint8', 'batch', 4, 13, 11),
  ...[scalar(0.5), bytes('uint8')],
  ...inputs,
  ...[scalar(0.5), bytes('uint8')],
];
const heads4 = [x('batch', 4, 5, 8), x('batch', 2, 7, 8), x('batch', 2, 7, 6)];

/** For each operator, inputs and attributes that it is run with. */
const ROWS: Readonly<Record<string, Row[]>> = {
  Conv: windows((kernel, inC) => [image, weight(6, inC, ...kernel), weight(6)]).concat([
    row([image, weight(8, 1, 3, 3)], { group: int(4), pads: ints([1, 1, 1, 1]) }),
    row([x('batch', 4, 13), weight(6, 4, 5)]),
    row([x('batch', 2, 7, 8, 9), weight(3, 2, 2, 3, 4)]),
    row([x('batch', 4, 'h', 'w'), weight(6, 4, 3, 3)], { pads: ints([1, 1, 1, 1]), strides: ints([2, 1]) }),
  ]),
  ConvTranspose: [
    ...windows((kernel, inC) => [image, weight(4, inC === 4 ? 6 : 3, ...kernel), weight(6)]),
    row([image, weight(4, 6, 3, 3)], { strides: ints([2, 3]), output_padding: ints([1, 2]) }),
    row([image, weight(4, 6, 3, 3)], { strides: ints([2, 2]), output_shape: ints([26, 22]) }),
    row([image, weight(4, 6, 3, 3)], {
      ...{ strides: ints([2, 2]), auto_pad: str('SAME_UPPER'), output_shape: ints([25, 22]) },
    }),
    row([x('batch', 4, 'h', 'w'), weight(4, 6, 2, 2)], { strides: ints([2, 2]) }),
    row([x('batch', 4, 'h', 'w'), weight(4, 6, 3, 3)], { pads: ints([1, 1, 1, 1]) }),
  ],
  Col2Im: [
    row([x('batch', 36, 12), i64(4, 3), i64(3, 3)], { pads: ints([1, 1, 1, 1]) }, { opset: 18 }),
    row(
      [x('batch', 8, 4), i64(8, 5), i64(2, 2)],
      { strides: ints([3, 2]), dilations: ints([2, 1]) },
      { opset: 18 },
    ),
    row([x('batch', 9, 5), i64(7), i64(3)], {}, { opset: 18 }),
  ],
  ConvInteger: windows((kernel, inC) => [
    of('uint8', 'batch', 4, 13, 11),
    bytes('uint8', 6, inC, ...kernel),
    bytes('uint8'),
  ]),
  QLinearConv: windows((kernel, inC) =>
    ofQuantized([bytes('uint8', 6, inC, ...kernel), scalar(0.5), bytes('uint8')]),
  ),

  MaxPool: [
    ...pools({}),
    row([image], { ...square, storage_order: int(1) }, { outputs: 2 }),
    row([image], { ...square, ...uneven, dilations: ints([2, 2]), ceil_mode: int(1) }, { outputs: 2 }),
  ],
  AveragePool: [...pools({}), ...pools({ count_include_pad: int(1) })],
  LpPool: pools({ p: int(2) }).slice(1),
  GlobalAveragePool: [row([image]), row([x('batch', 4, 'h')])],
  GlobalMaxPool: [row([image]), row([x('batch', 4, 'h')])],
  GlobalLpPool: [row([image], { p: int(2) })],

  BatchNormalization: [
    row([image, ...channels, ...channels], { epsilon: float(1e-5), momentum: float(0.9) }, { opset: 15 }),
    row([x('n', 4), ...channels, ...channels], { training_mode: int(1) }, { opset: 15, outputs: 3 }),
    row([image, ...channels, ...channels], { spatial: int(1) }, { opset: 7 }),
  ],
  LayerNormalization: [
    row([x('batch', 5, 8), weight(8), weight(8)], { epsilon: float(1e-5), stash_type: int(1) }),
    row([x('batch', 5, 8), weight(5, 8)], { axis: int(1) }, { outputs: 3, opset: 17 }),
    row([x('batch', 5, 8), weight(5, 8)], { axis: int(-2) }, { outputs: 3, opset: 17 }),
  ],
  InstanceNormalization: [row([image, ...channels], { epsilon: float(1e-5) })],
  GroupNormalization: [
    row([image, weight(2), weight(2)], { num_groups: int(2), epsilon: float(1e-5) }, { opset: 18 }),
    row([image, ...channels], { num_groups: int(2), stash_type: int(1) }),
  ],
  RMSNormalization: [
    row([x('batch', 5, 8), weight(8)], { epsilon: float(1e-5), stash_type: int(1) }, { opset: 23 }),
    row([x('batch', 5, 8), weight(5, 8)], { axis: int(1) }, { opset: 23 }),
  ],
  LpNormalization: [row([image], { axis: int(1), p: int(1) })],
  LRN: [row([image], { size: int(3), alpha: float(1), beta: float(1), bias: float(1) })],
  MeanVarianceNormalization: [row([image], { axes: ints([0, 2, 3]) })],

  MatMul: [
    row([x('batch', 64), weight(64, 10)]),
    row([x('batch', 1, 2, 5), x(4, 5, 6)]),
    row([x(5), x('batch', 5, 6)]),
    row([x('batch', 4, 5), x(5)]),
    row([x(5), x(5)]),
  ],
  Gemm: [
    row([x('batch', 64), weight(64, 10), weight(10)], { alpha: float(0.5), beta: float(2) }),
    row([x(64, 'n'), weight(10, 64)], { transA: int(1), transB: int(1) }),
    row([x('n', 64), weight(64, 10), weight(1, 10)]),
  ],
  Einsum: [...['bij,bjk->bik', 'bij, bjk', 'bij,bjk->', '...ij,...jk->...ki'], 'bij,cjk->bcik']
    .map((equation) => row([x('batch', 5, 6), x(3, 6, 8)], { equation: str(equation) }))
    .concat([
      row([x('batch', 2, 5, 8), x('batch', 2, 7, 8)], { equation: str('bhid,bhjd->bhij') }),
      row([x('batch', 2, 5, 5)], { equation: str('...ii->...i') }),
      row([x('batch', 5)], { equation: str('zb->bz') }),
      row([x('batch', 5)], { equation: str('zb') }),
      row([x('n'), x(5)], { equation: str('i,j->ij') }),
    ]),
  MatMulInteger: [row([of('uint8', 'batch', 64), bytes('uint8', 64, 10), bytes('uint8'), bytes('uint8')])],
  QLinearMatMul: [
    row([
      ...[of('uint8', 'batch', 64), scalar(0.5), bytes('uint8'), bytes('uint8', 64, 10)],
      ...[scalar(0.5), bytes('uint8'), scalar(0.5), bytes('uint8')],
    ]),
  ],

  ReduceSum: reductions(13),
  ...Object.fromEntries(
    [
      ...['ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceMax', 'ReduceMean', 'ReduceMin'],
      ...['ReduceProd', 'ReduceSumSquare'],
    ].map((op) => [op, reductions(18)]),
  ),
  ArgMax: argument,
  ArgMin: argument,
  TopK: [
    row([image, i64(2)], { axis: int(1), largest: int(0), sorted: int(0) }, { outputs: 2 }),
    row([x('n', 5), i64(3)], {}, { outputs: 2 }),
    row([x('n', 5)], { k: int(2) }, { outputs: 2, opset: 9 }),
  ],
  CumSum: [row([image, index(1)], { exclusive: int(1), reverse: int(1) })],

  Identity: [...float1, row([of('bool', 'n')])],
  Cast: [1, 6, 7, 9, 10]
    .map((to) => row([image], { to: int(to), saturate: int(1) }))
    .concat([row([image], { to: int(10), round_mode: str('up') }, { opset: 25 })]),
  CastLike: [
    row([image, i64(1)], { saturate: int(1) }),
    row([image, bytes('uint8')], { round_mode: str('up') }, { opset: 25 }),
  ],
  Dropout: [
    row([image], { seed: int(1) }, { outputs: 2 }),
    row([image, scalar(0.5), { dtype: 'bool', dims: [], data: Uint8Array.of(1) }], {}, { outputs: 2 }),
    row([image], { ratio: float(0.5) }, { outputs: 2, opset: 10 }),
  ],
  Flatten: [0, 1, 2, 3, 4, -1].map((axis) => row([image], { axis: int(axis) })),
  Reshape: [
    row([image, i64(0, 4, -1)]),
    row([image, i64(-1, 11, 52)]),
    row([image, i64(0, -1)]),
    row([x(6, 4), i64(2, -1, 3)]),
    row([x(0, 4), i64(0, 2)], { allowzero: int(1) }),
  ],
  Squeeze: [
    row([x('batch', 1, 4, 1), i64(-1, 1)]),
    row([x('batch', 1, 4, 1)], { axes: ints([1]) }, { opset: 11 }),
    row([x(3, 1, 4, 1)]),
  ],
  Unsqueeze: [row([x('batch', 4), i64(0, -1)]), row([x('batch', 4)], { axes: ints([1]) }, { opset: 11 })],
  Transpose: [row([image]), row([image], { perm: ints([0, 2, 3, 1]) })],
  DepthToSpace: [
    spaces(['batch', 8, 3, 5], { mode: str('CRD') }),
    spaces(['batch', 8, 3, 5], { mode: str('DCR') }),
  ],
  SpaceToDepth: [spaces(['batch', 3, 4, 6], {})],
  Concat: [
    row([image, x('batch', 3, 13, 11)], { axis: int(1) }),
    row([x('n', 2), x('n', 3), x('n', 1)], { axis: int(-1) }),
    row([x('n', 2), x('batch', 2)], { axis: int(0) }),
  ],
  Split: [
    row([image, i64(1, 3)], { axis: int(1) }, { outputs: 2 }),
    row([image], { axis: int(1), num_outputs: int(2) }, { outputs: 2 }),
    row([image], { axis: int(-1), num_outputs: int(3) }, { outputs: 3 }),
    row([image], { axis: int(2), num_outputs: int(4) }, { outputs: 4 }),
    row([image], { axis: int(1) }, { outputs: 2, opset: 13 }),
    row([image], { axis: int(1), split: ints([1, 3]) }, { outputs: 2, opset: 11 }),
    row([x('n', 4)], { num_outputs: int(2) }, { outputs: 2 }),
  ],
  Slice: [
    ...[
      [1, 3, 1],
      [-3, 2 ** 31 - 1, 1],
      [0, -1, 2],
      [-1, -100, -1],
      [9, 2, -3],
      [5, 2, 1],
      [0, 100, 3],
      [100, 0, -2],
    ].map(([start, end, step]) => row([image, i64(start!), i64(end!), i64(2), i64(step!)])),
    row([image, i64(0, 1), i64(2, 3)]),
    row([image, i64(0), i64(2 ** 40), i64(0)]),
    row([image, i64(0, 1), i64(100, 3), i64(-4, -1), i64(1, 2)]),
    row([image], { starts: ints([1]), ends: ints([-1]), axes: ints([3]) }, { opset: 9 }),
  ],
  Pad: [
    ...['constant', 'reflect', 'edge'].map((mode) =>
      row([image, i64(0, 0, 1, 2, 0, 0, 3, 4)], { mode: str(mode) }),
    ),
    row([x('n', 4), i64(1, 0, 2, -1)]),
    row([image, i64(1, 2), scalar(1), i64(-1)]),
    row([image], { pads: ints([0, 0, 1, 2, 0, 0, 3, 4]), value: float(1) }, { opset: 10 }),
  ],
  Expand: [row([x('n', 1, 5), i64(4, 1)]), row([x(1, 5), i64(2, 3, 1, 5)]), row([x(), i64(4)])],
  Tile: [row([x('n', 5), i64(1, 3)]), row([x('n', 5), i64(2, 1)]), row([x(2, 5), i64(2, 0)])],
  Resize: [
    row([image, '', floatTensor([4], [1, 1, 2, 0.6])], { mode: str('linear'), antialias: int(0) }),
    row([image, '', floatTensor([2], [1.3, 0.7])], {
      ...{ axes: ints([2, -1]), mode: str('cubic'), cubic_coeff_a: float(-0.5), exclude_outside: int(1) },
    }),
    row([image, '', '', i64(26, 20)], { axes: ints([2, 3]), nearest_mode: str('floor') }),
    row([image, '', '', i64(26, 20)], { axes: ints([2, 3]), keep_aspect_ratio_policy: str('not_larger') }),
    row([image, '', '', i64(26, 20)], { axes: ints([2, 3]), keep_aspect_ratio_policy: str('not_smaller') }),
    row([image, '', '', i64(26, 20)], { axes: ints([2, 3]), keep_aspect_ratio_policy: str('stretch') }),
    row([x(2, 4, 13, 11), '', '', i64(2, 4, 26, 20)], {}, { opset: 13 }),
    row([x(2, 4, 13, 11), floatTensor([8], [0, 0, 0, 0, 1, 1, 1, 1]), '', i64(2, 4, 26, 20)], {
      ...{ coordinate_transformation_mode: str('tf_crop_and_resize'), extrapolation_value: float(1) },
    }),
    row([image, floatTensor([4], [1, 1, 2, 0.6])], {}, { opset: 10 }),
  ],
  Upsample: [
    row([image, floatTensor([4], [1, 1, 2, 3])], { mode: str('nearest') }, { opset: 9 }),
    row([image], { scales: floats(1, 1, 2, 3) }, { opset: 7 }),
  ],
  Trilu: [row([x('n', 4, 4)], { upper: int(0) }), row([x('n', 4, 4), index(1)])],

  Gather: [
    row([image, i64(0, 2, 1)], { axis: int(1) }),
    row([image, index(2)], { axis: int(-1) }),
    row([image, int64Tensor([0, 1, 2, 0], [2, 2])]),
    row([weight(9, 5), of('int64', 'batch', 2)]),
  ],
  GatherElements: [
    row([x('n', 5), of('int64', 'n', 2)], { axis: int(1) }),
    row([x(4, 5), of('int32', 'n', 5)]),
  ],
  GatherND: [
    row([image, of('int64', 6, 2)]),
    row([image, of('int64', 'batch', 6, 1)], { batch_dims: int(1) }),
    row([image, of('int64', 4)]),
    row([x(3, 4, 5), of('int64', 'batch', 4, 1)], { batch_dims: int(2) }),
  ],
  ScatterND: [
    row([x('n', 5), of('int64', 2, 1), x(2, 5)]),
    row([x('n', 5), of('int64', 2, 2), x(2)], { reduction: str('add') }),
  ],
  ScatterElements: [
    row([x('n', 5), of('int64', 'n', 1), x('n', 1)], { axis: int(1), reduction: str('add') }),
  ],
  OneHot: [
    row([of('int64', 'n'), i64(10), floatTensor([2], [0, 1])]),
    row([of('int64', 'n', 4), index(10), i64(0, 1)], { axis: int(1) }),
  ],
  NonZero: [row([x('n', 5)]), row([x('n')])],

  Constant: [
    row([], { value: tensor(i64(1, 2, 3)) }),
    row([], { value_int: int(3) }),
    row([], { value_ints: ints([3, 4]) }),
    row([], { value_float: float(3) }),
    row([], { value_floats: floats(3, 4, 5) }),
  ],
  Shape: [
    row([image]),
    row([x()]),
    row([image], { start: int(1) }),
    row([image], { start: int(-3), end: int(-1) }),
    row([image], { start: int(3), end: int(1) }),
    row([image], { start: int(-9), end: int(9) }),
  ],
  Size: [row([image]), row([x()])],
  ConstantOfShape: [
    row([i64(2, 3)]),
    row([i64()]),
    row([i64(2, 0)], { value: tensor(i64(7)) }),
    row([i64(2, 4)], { value: tensor(bytes('uint8', 1)) }),
  ],
  Range: [
    row([index(2), index(9), index(3)]),
    row([index(9), index(2), index(-2)]),
    row([index(9), index(2), index(2)]),
    row([scalar(0), scalar(1), scalar(0.3)]),
    row([of('int64'), of('int64'), index(1)]),
  ],
  EyeLike: [row([x('n', 5)], { k: int(1), dtype: int(7) }), row([x('n', 5)])],

  Attention: [
    row(
      heads4,
      {
        ...{ is_causal: int(0), scale: float(0.5), softcap: float(2), softmax_precision: int(1) },
        qk_matmul_output_mode: int(1),
      },
      { opset: 23, outputs: 1 },
    ),
    row(
      [x('batch', 5, 32), x('batch', 7, 16), x('batch', 7, 12)],
      { q_num_heads: int(4), kv_num_heads: int(2) },
      {
        ...{ opset: 23 },
      },
    ),
    row(
      [...heads4, '', x('batch', 2, 3, 8), x('batch', 2, 3, 6)],
      { is_causal: int(1) },
      { opset: 23, outputs: 3 },
    ),
    row([...heads4, x(5, 7)], {}, { opset: 23 }),
    row(heads4, {}, { opset: 24, outputs: 4 }),
  ],
  Softmax: alongAxis,
  LogSoftmax: alongAxis,
  Hardmax: alongAxis,

  QuantizeLinear: [
    row([image, scalar(0.5)]),
    row([image, weight(4), bytes('int8', 4)], { axis: int(1), saturate: int(1) }),
    row([image, scalar(0.5)], { output_dtype: int(3) }),
    row([x('n', 8), weight(7, 2), bytes('int8', 7, 2)], { axis: int(1), block_size: int(4) }),
    row([image, scalar(0.5)], { precision: int(1) }, { opset: 23 }),
  ],
  DequantizeLinear: [
    row([of('uint8', 'n', 5), scalar(0.5)]),
    row([of('int8', 'n', 5), weight(5), bytes('int8', 5)], { axis: int(-1) }),
    row([of('int8', 'n', 5), { dtype: 'float16', dims: [], data: Uint16Array.of(0x3800) }]),
    row([of('int8', 'n', 8), weight(7, 2), bytes('int8', 7, 2)], { axis: int(1), block_size: int(4) }),
    row([of('int8', 'n', 5), scalar(0.5)], { output_dtype: int(1) }, { opset: 23 }),
  ],
  DynamicQuantizeLinear: [row([x('n', 5)], {}, { outputs: 3 })],

  ...Object.fromEntries(
    [
      ...[
        'Abs',
        'Acos',
        'Acosh',
        'Asin',
        'Asinh',
        'Atan',
        'Atanh',
        'Ceil',
        'Cos',
        'Cosh',
        'Erf',
        'Exp',
        'Floor',
      ],
      ...[
        'HardSwish',
        'IsNaN',
        'Log',
        'Mish',
        'Neg',
        'Reciprocal',
        'Relu',
        'Round',
        'Sigmoid',
        'Sign',
        'Sin',
      ],
      ...['Sinh', 'Softplus', 'Softsign', 'Sqrt', 'Tan', 'Tanh'],
    ].map((op) => [op, float1]),
  ),
  Celu: withFloat('alpha'),
  Elu: withFloat('alpha'),
  Gelu: [...float1, row([image], { approximate: str('tanh') })],
  HardSigmoid: withFloat('alpha', 'beta'),
  IsInf: [row([image], { detect_negative: int(1), detect_positive: int(0) })],
  LeakyRelu: withFloat('alpha'),
  Selu: withFloat('alpha', 'gamma'),
  Shrink: withFloat('bias', 'lambd'),
  Swish: [row([image], { alpha: float(0.5) }, { opset: 24 })],
  ThresholdedRelu: withFloat('alpha'),
  BitwiseNot: [row([of('int32', 'n', 5)])],
  Not: [row([of('bool', 'n', 5)])],
  Add: [...two(), ...two('int64')],
  Sub: [...two(), ...two('int64')],
  Mul: [...two(), ...two('int64')],
  // Of whole numbers only constants, for the others are zeros.
  Div: [...two(), row([of('int64', 'n', 2), i64(2, 3)])],
  Mod: [row([x('n', 2), weight(2)], { fmod: int(1) }), row([of('int64', 'n', 2), i64(2, 3)])],
  Max: many,
  Min: many,
  Sum: many,
  Mean: many,
  And: two('bool'),
  Or: two('bool'),
  Xor: two('bool'),
  BitShift: [row([of('uint8', 'n', 5), of('uint8', 5)], { direction: str('LEFT') })],
  BitwiseAnd: two('int32'),
  BitwiseOr: two('int32'),
  BitwiseXor: two('int32'),
  Equal: two(),
  Greater: two(),
  GreaterOrEqual: two(),
  Less: two(),
  LessOrEqual: two('int64'),
  Pow: [...two(), row([image, i64(2)])],
  PRelu: [row([image, weight(4, 1, 1)]), row([image, weight(1)]), row([image, x('batch', 4, 13, 11)])],
  Clip: [
    row([image, scalar(0), scalar(6)]),
    row([image, '', scalar(6)]),
    row([image], { min: float(0), max: float(6) }, { opset: 10 }),
  ],
  Where: [
    row([of('bool', 'n', 1), x(4), x(1, 4)]),
    row([of('bool', 4), of('int64', 'n', 1), of('int64', 1)]),
    row([of('bool'), x(), x(3)]),
  ],
};

/** A graph of the operator alone. @param sizes what named dimensions are, if they are to be known */
function graphOf(op: string, { inputs, attributes = {}, outputs = 1 }: Row, sizes?: typeof SIZES): Graph {
  const b = new GraphBuilder(op);
  const names = inputs.map((input, i) => {
    if (input === '') return '';
    if ('data' in input) return b.initializer(`c${i}`, input);
    return b.input(
      `x${i}`,
      input.dtype,
      input.dims.map((dim) => sizes?.[dim] ?? dim),
    );
  });
  b.nodes(op, names, outputs, attributes, { name: 'y' });
  return b.graph;
}

function describeRow({ inputs, attributes = {} }: Row): string {
  const dims = inputs.map((input) => (input === '' ? '-' : `[${input.dims}]`)).join(' ');
  const given = Object.entries(attributes).map(([name, { value }]) => {
    return `${name}=${typeof value === 'object' && 'dims' in value ? `[${value.dims}]` : value}`;
  });
  return [dims, ...given].filter(Boolean).join(', ');
}

describe('shapes and types of every operator are those that onnxruntime gives', () => {
  it('has rows of every operator of the table, and of each of its attributes', () => {
    assert.deepEqual(Object.keys(ROWS).sort(), [...OPERATORS.keys()].sort());
    for (const [op, { attributes }] of OPERATORS) {
      const used = new Set(ROWS[op]!.flatMap((each) => Object.keys(each.attributes ?? {})));
      assert.deepEqual(
        attributes.filter((name) => !used.has(name)),
        [],
        op,
      );
    }
  });

  it('knows the attributes that the specification has since operator set 7', { skip: NO_ONNX }, () => {
    const specified = JSON.parse(execFileSync(PYTHON, ['-c', ATTRIBUTES], { encoding: 'utf8' }));
    const known = [...OPERATORS].map(([op, { attributes }]) => [
      op,
      [...attributes, ...(LEFT_OUT[op] ?? [])].sort(),
    ]);
    assert.deepEqual(
      Object.fromEntries(known),
      Object.fromEntries(known.map(([op]) => [op, specified[String(op)]])),
    );
  });

  for (const [op, rows] of Object.entries(ROWS)) {
    it(op, async () => {
      for (const each of rows) {
        // In the first and the last operator set too, unless they are without the operator or an attribute.
        await compare(op, each, each.opset ?? 21);
        if (each.opset) continue;
        for (const opset of [13, 25]) {
          await compare(op, each, opset).catch((error) => {
            if (!/invalid model|Could not find an implementation/.test(error.message)) throw error;
          });
        }
      }
    });
  }
});

/** Holds what is inferred of a row, of sizes that are known and of named ones, against what onnxruntime gives. */
async function compare(op: string, each: Row, opset: number): Promise<void> {
  const what = `${op} of ${describeRow(each)}, opset ${opset}`;
  const graph = graphOf(op, each, SIZES);
  const inferred = inferShapes(graph);
  const named = inferShapes(graphOf(op, each));
  const types = inferTypes(graph);
  const ran = await runAllValues(graph, SIZES, inferred, { opset }).catch((error) => {
    throw new Error(`${what}: ${error.message}`);
  });
  assert.ok(ran.size > 0);
  for (const [name, { dtype, dims }] of ran) {
    const told = inferred.get(name)!;
    // A size that depends on the values is not told.
    const open = told.dims.map((dim, axis) => (typeof dim === 'string' ? dims[axis]! : dim));
    assert.deepEqual({ dtype: told.dtype, dims: open }, { dtype, dims }, `${what}: ${name}`);
    assert.ok(
      told.dims.every((dim) => typeof dim === 'number') || DEPENDING.has(op),
      `${what}: ${told.dims}`,
    );
    assert.equal(types.get(name), dtype, `${what}: ${name}`);
    const byName = named
      .get(name)!
      .dims.map((dim, axis) => SIZES[dim] ?? (typeof dim === 'string' ? dims[axis] : dim));
    assert.deepEqual(byName, dims, `${what}: ${named.get(name)!.dims} ran as ${dims}`);
  }
}

/** Operators whose sizes depend on values. */
const DEPENDING = new Set(['NonZero', 'Range']);

/** For each operator that tells whole numbers before the run, constants that it is given; all are compared with a run. */
const WHOLE: Readonly<Record<string, Row[]>> = {
  ...Object.fromEntries(
    ['Add', 'Sub', 'Mul', 'Div'].map((op) => [
      op,
      [
        row([i64(7, -7, 0), i64(2, 2, 5)]),
        row([i64(7, -7, 1), index(-2)]),
        row([index(5), i64(1, 2)]),
        row([int64Tensor([6, 4], [2, 1]), int64Tensor([3, 1], [1, 2])]),
        row([i64(2 ** 53 - 1), i64(3)]),
      ],
    ]),
  ),
  Mod: [row([i64(7, 8), i64(3, 4)]), row([i64(-7), i64(3)]), row([i64(-7), i64(3)], { fmod: int(1) })],
  ...Object.fromEntries(
    ['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'].map((op) => [
      op,
      [row([i64(1, 2, 3), i64(2, 2, 2)])],
    ]),
  ),
  Not: [row([{ dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) }])],
  Where: [
    row([{ dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) }, i64(1, 2), i64(3, 4)]),
    row([{ dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) }, index(1), i64(3)]),
  ],
  Identity: [row([i64(1, 2)])],
  Cast: [
    row([i64(5, -1, 0)], { to: int(9) }),
    row([i64(5, 2 ** 40)], { to: int(6) }),
    row([i64(5)], { to: int(6) }),
  ],
  CastLike: [row([i64(5), { dtype: 'int32', dims: [], data: Int32Array.of(1) }])],
  Flatten: [row([int64Tensor([1, 2, 3, 4], [2, 2])])],
  Reshape: [row([int64Tensor([1, 2, 3, 4], [2, 2]), i64(-1)])],
  Squeeze: [row([i64(5), i64(0)])],
  Unsqueeze: [row([i64(5, 6), i64(1)])],
  Transpose: [row([i64(5, 6)]), row([int64Tensor([1, 2, 3, 4], [2, 2])])],
  Concat: [
    row([i64(1, 2), i64(3)], { axis: int(0) }),
    row([int64Tensor([1, 2], [2, 1]), int64Tensor([3, 4], [2, 1])], { axis: int(1) }),
  ],
  Slice: [
    row([i64(1, 2, 3, 4, 5), i64(1), i64(-1)]),
    row([i64(1, 2, 3, 4, 5), i64(-1), i64(-9), i64(0), i64(-2)]),
    row([int64Tensor([1, 2, 3, 4], [2, 2]), i64(0), i64(1), i64(1)]),
  ],
  Gather: [
    row([i64(5, 6, 7), i64(-1, 0)]),
    row([i64(5, 6, 7), index(1)]),
    row([int64Tensor([1, 2, 3, 4], [2, 2]), index(1)]),
  ],
  Expand: [
    row([i64(5), i64(3)]),
    row([i64(5, 6), i64(2)]),
    row([i64(5, 6), i64(1)]),
    row([i64(5, 6), i64(2, 2)]),
  ],
  Shape: [row([weight(4, 5, 6)]), row([weight(4, 5, 6)], { start: int(-2), end: int(2) })],
  Size: [row([weight(4, 5)])],
  ConstantOfShape: [
    row([i64(2, 2)], { value: tensor(i64(-1)) }),
    row([i64(2)]),
    row([i64()], { value: tensor(i64(3)) }),
  ],
  Range: [
    row([index(2), index(9), index(3)]),
    row([index(3), index(-2), index(-2)]),
    row([index(3), index(2), index(1)]),
  ],
};

/** Runs a graph without inputs. */
async function runConstants(graph: Graph, shape: TensorShape, opset: number) {
  const outputs = [{ name: 'y', ...shape }];
  const session = await openSession(encodeModel({ ...graph, outputs }, {}, { opset }), {
    threads: 1,
    int8: false,
  });
  const results = await session.run({});
  await session.release();
  return results;
}

describe('whole numbers that are told before the run are those that onnxruntime gives', () => {
  it('has rows of every operator that tells them', () => {
    const telling = [...OPERATORS].filter(([, { ints: rule }]) => rule).map(([op]) => op);
    assert.deepEqual(Object.keys(WHOLE).sort(), telling.sort());
  });

  for (const [op, rows] of Object.entries(WHOLE)) {
    it(op, async () => {
      let told = 0;
      for (const each of rows) {
        const graph = graphOf(op, each);
        const { ints: known, shapes } = inferKnownValues(graph);
        const { y } = await runConstants(graph, shapes.get('y')!, each.opset ?? 21);
        const values = known.get('y');
        if (!values) continue;
        told++;
        assert.deepEqual(
          values,
          [...(y!.data as BigInt64Array)].map(Number),
          `${op} of ${describeRow(each)}`,
        );
      }
      assert.ok(told > 0, `${op} told nothing`);
    });
  }
});
