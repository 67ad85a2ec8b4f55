import { UserError } from '../../../core/errors.ts';
import {
  float,
  floatAttribute,
  floats,
  type GraphNode,
  int,
  intAttribute,
  ints,
  sizeOf,
  str,
} from '../../../core/onnx/graph.ts';
import { dataTypeCode } from '../../../core/onnx/tensor-proto.ts';
import { TRAINING } from '../../gradients/training-graph.ts';
import { channelAffine, channelProductSum, channelShift, channelSum, spatialMean } from './channels.ts';
import { convolve } from './conv/convolve.ts';
import { type ConvGeometry, convGeometry } from './conv/geometry.ts';
import { convInputGradient } from './conv/input-gradient.ts';
import { convWeightGradient } from './conv/weight-gradient.ts';
import {
  suitsWinograd,
  winogradConvolve,
  winogradInput,
  winogradInputGradient,
  winogradWeightGradient,
} from './conv/winograd/winograd.ts';
import type { Lowering, OrtLowering } from './lower.ts';
import { POOLING } from './pooling.ts';
import type { StepBuilder, StepTensor } from './step-builder.ts';

/** What a convolution keeps for its gradients. */
interface SavedConv {
  geometry: ConvGeometry;
  /** The input's transformed tiles, if Winograd's algorithm is in use. */
  tiles?: StepTensor;
}

const conv: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [x, weight, bias] = lowering.inputs(node);
  const [output] = node.outputs as [string];
  const geometry = convGeometry(node, x!.dims, weight!.dims);
  if (!bias && suitsWinograd(b, geometry)) {
    const tiles = winogradInput(b, geometry, x!);
    lowering.save(output, { geometry, tiles } satisfies SavedConv);
    lowering.bind(output, winogradConvolve(b, geometry, tiles, weight!));
    return;
  }
  lowering.save(output, { geometry } satisfies SavedConv);
  lowering.bind(output, convolve(b, x!, weight!, bias, geometry));
};

const convGrad: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [dyName, x, weight] = node.inputs as [string, string, string];
  const [dx, dw, dBias] = node.outputs as [string, string, string];
  const dy = lowering.value(dyName);
  // A transposed convolution's weights have a gradient of a convolution that is not computed where its images need none.
  const saved = lowering.saved<SavedConv>(forwardOutput(node));
  const { geometry, tiles } = saved ?? {
    geometry: convGeometry(node, lowering.dims(x), lowering.dims(weight)),
  };
  if (dw !== '') {
    const gradient = tiles
      ? winogradWeightGradient(b, geometry, tiles, dy)
      : convWeightGradient(b, geometry, lowering.keptOrRecomputed(x, dy), dy);
    lowering.bindWeightGradient(dw, gradient);
  }
  if (dBias) lowering.bind(dBias, channelSum(b, dy));
  if (dx !== '') {
    const inputGradient = tiles ? winogradInputGradient : convInputGradient;
    lowering.bind(dx, inputGradient(b, geometry, lowering.value(weight), dy));
  }
};

/** Also the fused `activation(batchNorm(x) (+ residual))` that `fuseForTraining` makes, whose residual is input 3. */
const batchNormInternal: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [x, gamma, beta, add] = lowering.inputs(node) as [StepTensor, StepTensor, StepTensor, StepTensor?];
  const [output, observedMean, observedVariance, savedMean, savedInverseStd] = node.outputs as [
    ...(readonly [string, string, string, string, string]),
  ];
  const count = sizeOf(x.dims) / x.dims[1]!;
  const mean = b.div(channelSum(b, x), b.constant(count));
  // E[x^2] - E[x]^2 saves a pass over memory, but loses digits by the square of the mean beside the deviation: it does for
  // what a convolution gives, not for what a ReLU gives, which in RepVGG is a hundred deviations from 0.
  const centred = ofConvolution(lowering, node.inputs[0]!)
    ? undefined
    : channelShift(b, x, b.unary('Neg', mean));
  const meanSquare = b.div(channelProductSum(b, centred ?? x, centred ?? x), b.constant(count));
  // Rounding may leave the difference just below zero.
  const variance = centred ? meanSquare : b.unary('Relu', b.sub(meanSquare, b.mul(mean, mean)));
  const epsilon = b.constant(floatAttribute(node, 'epsilon', 1e-5));
  const inverseStd = b.unary('Reciprocal', b.unary('Sqrt', b.add(variance, epsilon)));
  const scale = b.mul(gamma, inverseStd);
  const shift = centred ? beta : b.sub(beta, b.mul(mean, scale));
  lowering.bind(observedMean, mean);
  lowering.bind(observedVariance, b.mul(variance, b.constant(count / Math.max(1, count - 1))));
  lowering.bind(savedMean, mean);
  lowering.bind(savedInverseStd, inverseStd);
  lowering.save(savedInverseStd, scale);
  const { activation, activation_params } = node.attributes;
  const then = activation
    ? { activation: { activation, ...(activation_params ? { activation_params } : {}) } }
    : {};
  const y = channelAffine(b, centred ?? x, scale, shift, {
    ...(add ? { add: b.toLayout(add, x.layout) } : {}),
    ...then,
  });
  lowering.bind(output, y);
  if (!activation) return;
  if (!add && y.layout === 'blocked') {
    lowering.recompute(output, (gradient) => {
      const again = centred && channelShift(b, x, b.after(b.unary('Neg', mean), [gradient]));
      return channelAffine(b, again ?? x, b.after(scale, [gradient]), shift, then);
    });
  } else if (activation.type === 'string' && activation.value === 'Relu') {
    lowering.save(output, reluMask(b, y));
  }
};

function ofConvolution(lowering: Lowering, value: string): boolean {
  const producer = lowering.training.graph.nodes.find(({ outputs }) => outputs.includes(value));
  if (producer?.domain !== '') return false;
  // The largest of a few neighbours lie about one deviation higher.
  if (producer.op === 'MaxPool') return ofConvolution(lowering, producer.inputs[0]!);
  return producer.op === 'Conv';
}

const batchNormalizationGrad: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [gradient, x, , mean, inverseStd] = lowering.inputs(node) as StepTensor[];
  const [dx, dScale, dBias] = node.outputs as [string, string, string];
  const scale = lowering.saved<StepTensor>(node.inputs[4]!)!;
  const dy = b.toLayout(gradient!, x!.layout);
  const count = b.constant(sizeOf(x!.dims) / x!.dims[1]!);
  const sumDy = channelSum(b, dy);
  const dGamma = b.mul(inverseStd!, b.sub(channelProductSum(b, x!, dy), b.mul(mean!, sumDy)));
  lowering.bind(dScale, dGamma);
  lowering.bind(dBias, sumDy);
  if (dx === '') return;
  // dX = scale (dY - mean(dY) - xhat mean(dY xhat)) = scale dY + slope x + offset, a line a channel.
  const slope = b.unary('Neg', b.div(b.mul(b.mul(scale, inverseStd!), dGamma), count));
  const offset = b.unary('Neg', b.add(b.div(b.mul(scale, sumDy), count), b.mul(slope, mean!)));
  const line = channelAffine(b, x!, slope, lowering.afterWeightGradients(offset));
  const zero = b.constant(new Array<number>(x!.dims[1]!).fill(0), [x!.dims[1]!]);
  lowering.bind(dx, channelAffine(b, dy, scale, zero, { add: line }));
};

const relu: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const y = b.unary('Relu', lowering.value(node.inputs[0]!));
  lowering.save(node.outputs[0]!, reluMask(b, y));
  lowering.bind(node.outputs[0]!, y);
};

const reluGrad: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [dyName, y] = node.inputs as [string, string];
  const dy = lowering.value(dyName);
  const mask = lowering.saved<StepTensor>(y) ?? reluMask(b, lowering.keptOrRecomputed(y, dy));
  lowering.bind(node.outputs[0]!, b.mul(b.toLayout(dy, mask.layout), mask));
};

const relu6Grad: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [dyName, yName] = node.inputs as [string, string];
  const dy = lowering.value(dyName);
  const y = lowering.keptOrRecomputed(yName, dy);
  lowering.bind(node.outputs[0]!, b.mul(b.toLayout(dy, y.layout), relu6Mask(b, y)));
};

/** 1 where a ReLU6's output `y` is between its bounds, else 0: where |y - 3| < 3. */
function relu6Mask(b: StepBuilder, y: StepTensor): StepTensor {
  const { layout, dims } = y;
  if (b.portable) {
    const inside = b.node(
      'Less',
      [b.unary('Abs', b.sub(y, b.constant(3))), b.constant(3)],
      dims,
      {},
      { layout },
    );
    return b.node('Cast', [inside], dims, { to: int(FLOAT) }, { layout });
  }
  const distance = layout === 'blocked' ? distanceFrom(b, y, 3) : b.unary('Abs', b.sub(y, b.constant(3)));
  const attributes = { alpha: float(-LARGE / 10), beta: float((3 * LARGE) / 10) };
  return b.node('HardSigmoid', [distance], dims, attributes, { layout });
}

/** |y - value| in one pass: a LeakyReLU of slope -1 is the absolute value. */
function distanceFrom(b: StepBuilder, y: StepTensor, value: number): StepTensor {
  const all = (constant: number) => b.constant(new Array<number>(y.dims[1]!).fill(constant), [y.dims[1]!]);
  const activation = { activation: str('LeakyRelu'), activation_params: floats([-1]) };
  return channelAffine(b, y, all(1), all(-value), { activation });
}

const FLOAT = dataTypeCode('float32');
const INT64 = dataTypeCode('int64');
/** Times the smallest normal float32 it is above 1. */
const LARGE = 1e38;

/**
 * 1 where a ReLU's output `y` is positive, else 0. To be emitted in the forward pass: of two factors onnxruntime
 * computes the one emitted later first, and the mask is to wait for the gradient, not to be kept from the forward
 * pass on.
 */
function reluMask(b: StepBuilder, y: StepTensor): StepTensor {
  if (b.portable) {
    const positive = b.node('Greater', [y, b.constant(0)], y.dims, {}, { layout: y.layout });
    return b.node('Cast', [positive], y.dims, { to: int(FLOAT) }, { layout: y.layout });
  }
  // min(1, LARGE y) in one pass; a comparison and a cast are two, Sign and Where slower still.
  return b.node('HardSigmoid', [y], y.dims, { alpha: float(LARGE), beta: float(0) }, { layout: y.layout });
}

/** phi(x), the normal distribution's function. */
function normal(b: StepBuilder, x: StepTensor): StepTensor {
  const erf = b.unary('Erf', b.mul(x, b.constant(Math.SQRT1_2)));
  if (b.portable) return b.mul(b.add(erf, b.constant(1)), b.constant(0.5));
  // (1 + erf) / 2 in one pass; its bounds are those that erf has.
  return b.node('HardSigmoid', [erf], x.dims, { alpha: float(0.5), beta: float(0.5) }, { layout: x.layout });
}

/** Of its two outputs phi is made only where it is kept: onnxruntime has the whole in one pass, its gradient makes it again. */
const geluInternal: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const x = lowering.value(node.inputs[0]!);
  const [output, phi] = node.outputs as [string, string];
  if (b.portable) {
    const kept = normal(b, x);
    lowering.save(phi, kept);
    lowering.bind(output, b.mul(x, kept));
    return;
  }
  lowering.bind(output, b.node('Gelu', [x], x.dims, {}, { layout: x.layout, domain: 'com.microsoft' }));
};

/** dY (phi(x) + x phi'(x)), phi' being exp(-x^2 / 2) / sqrt(2 pi), in as few passes as there are operators for. */
const geluGrad: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const dy = lowering.value(node.inputs[0]!);
  const x = lowering.keptOrRecomputed(node.inputs[1]!, dy);
  const half = b.mul(x, b.constant(Math.SQRT1_2));
  const density = b.unary('Exp', b.sub(b.constant(-Math.log(2 * Math.PI) / 2), b.mul(half, half)));
  const phi = lowering.saved<StepTensor>(node.inputs[2]!) ?? normal(b, x);
  const slope = b.add(phi, b.mul(x, density));
  lowering.bind(node.outputs[0]!, b.mul(b.toLayout(dy, x.layout), slope));
};

/** Of any number of inputs, with broadcasting; blocked if an activation is. */
const elementwise: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [output] = node.outputs as [string];
  const { dims, dtype } = lowering.training.values.get(output)!;
  lowering.bind(output, b.elementwise(node.op, lowering.inputs(node), dims, node.attributes, dtype));
};

/** Whatever gives the values of its input as they lie, in another shape. */
const reshape: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [output] = node.outputs as [string];
  lowering.bind(output, b.reshape(b.toPlain(lowering.value(node.inputs[0]!)), lowering.dims(output)));
};

const gemm: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [x, weight, bias] = lowering.inputs(node);
  const scaled = (value: StepTensor, name: string) => {
    const factor = floatAttribute(node, name, 1);
    return factor === 1 ? value : b.mul(value, b.constant(factor));
  };
  const [transA, transB] = [intAttribute(node, 'transA', 0) === 1, intAttribute(node, 'transB', 0) === 1];
  const y = scaled(b.matmul(b.toPlain(x!), b.toPlain(weight!), transA, transB), 'alpha');
  lowering.bind(node.outputs[0]!, bias ? b.add(y, scaled(bias, 'beta')) : y);
};

/** Over the pixels of an activation in whichever layout, else as it stands. */
/** A table of so many numbers is no burden in a graph. */
const SMALL_TABLE = 2 ** 18;

/**
 * onnxruntime 1.32's ScatterND loses what several threads add to one place (findings/onnxruntime-scatternd-threads.sh).
 * Where the places are constants, and few, their sum is a product with a table of zeros and ones; else
 * ScatterElements adds up, on one thread.
 */
const scatterNd: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const { reduction } = node.attributes;
  const [dataName, indicesName, updatesName] = node.inputs as [string, string, string];
  const dims = lowering.dims(node.outputs[0]!);
  const indexDims = lowering.dims(indicesName);
  const known = indexDims.at(-1)!;
  const places = sizeOf(dims.slice(0, known));
  const width = sizeOf(dims.slice(known));
  const count = sizeOf(indexDims.slice(0, -1));
  const [data, indices] = [lowering.value(dataName), lowering.value(indicesName)].map((x) =>
    b.toPlain(x!),
  ) as [...[StepTensor, StepTensor]];
  const updates = b.toPlain(lowering.value(updatesName));
  const bind = (sums: StepTensor) => lowering.bind(node.outputs[0]!, b.add(data, b.reshape(sums, dims)));
  if (reduction?.type !== 'string' || reduction.value !== 'add') {
    lowering.bind(node.outputs[0]!, b.node('ScatterND', [data, indices, updates], dims, node.attributes));
    return;
  }
  const strides = Array.from({ length: known }, (_, axis) => sizeOf(dims.slice(axis + 1, known)));
  const constant = lowering.training.graph.initializers.get(indicesName)?.data as BigInt64Array | undefined;
  const rows = b.reshape(updates, [count, width]);
  if (constant && places * count <= SMALL_TABLE) {
    const table = new Array<number>(places * count).fill(0);
    for (let i = 0; i < count; i++) {
      const place = strides.reduce((sum, stride, axis) => {
        const at = Number(constant[i * known + axis]);
        return sum + (at < 0 ? at + dims[axis]! : at) * stride;
      }, 0);
      table[place * count + i] = 1;
    }
    bind(b.matmul(b.constant(table, [places, count]), rows));
    return;
  }
  const integers = (values: readonly number[]) => b.graphBuilder.int64(values);
  const isNegative = b.node('Cast', [b.node('Less', [indices, integers([0])], indexDims)], indexDims, {
    to: int(INT64),
  });
  const fromEnd = b.node('Mul', [isNegative, integers(dims.slice(0, known))], indexDims);
  const counted = b.node('Add', [indices, fromEnd], indexDims);
  const scaled = b.node('Mul', [counted, integers(strides)], indexDims);
  const flat = b.reshape(b.reduceSum(scaled, [indexDims.length - 1]), [count, 1]);
  const at = b.node('Expand', [flat, integers([count, width])], [count, width]);
  const none = b.node('Expand', [b.constant(0), integers([places, width])], [places, width]);
  bind(b.node('ScatterElements', [none, at, rows], [places, width], { axis: int(0), reduction: str('add') }));
};

const MANY_ROWS = 256;
const MANY_COLUMNS = 64;

const reduceSum: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const x = lowering.value(node.inputs[0]!);
  const [output] = node.outputs as [string];
  const dims = lowering.dims(output);
  const [n, c, h, w] = x.dims as [number, number, number, number];
  if (x.dims.length === 4 && dims.join() === [n, c, 1, 1].join() && h * w > 1) {
    lowering.bind(output, b.mul(spatialMean(b, x), b.constant(h * w)));
    return;
  }
  const given = lowering.training.graph.initializers.get(node.inputs[1]!)!.data as BigInt64Array;
  const axes = Array.from(given, Number);
  const rows = sizeOf(x.dims.slice(0, axes.length));
  const columns = sizeOf(x.dims) / rows;
  if (!b.portable && axes.every((axis, i) => axis === i) && rows >= MANY_ROWS && columns >= MANY_COLUMNS) {
    // A product with ones takes a third of the time of ReduceSum over rows.
    const ones = b.constant(new Array<number>(rows).fill(1), [1, rows]);
    const sums = b.matmul(ones, b.reshape(b.toPlain(x), [rows, columns]));
    lowering.bind(output, b.reshape(sums, dims));
    return;
  }
  const keep = intAttribute(node, 'keepdims', 1) === 1;
  lowering.bind(output, b.reduceSum(b.toPlain(x), axes, keep));
};

const softmaxCrossEntropy: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [logits, targets] = lowering.inputs(node) as [StepTensor, StepTensor];
  const [loss, logProbabilities] = node.outputs as [string, string];
  const probabilities = logSoftmax(b, b.toPlain(logits));
  lowering.bind(logProbabilities, probabilities);
  const total = b.reduceSum(b.mul(targets, probabilities), [0, 1]);
  lowering.bind(loss, b.unary('Neg', b.div(total, b.constant(logits.dims[0]!))));
};

/** (softmax * sum(target) - target) / N */
const softmaxCrossEntropyGrad: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [logProbabilities, targets] = lowering.inputs(node) as [StepTensor, StepTensor];
  const mass = b.reduceSum(targets, [1], true);
  const difference = b.sub(b.mul(b.unary('Exp', logProbabilities), mass), targets);
  lowering.bind(node.outputs[0]!, b.div(difference, b.constant(targets.dims[0]!)));
};

/** Over the classes of [N, K]. */
function logSoftmax(b: StepBuilder, logits: StepTensor): StepTensor {
  if (!b.portable) return b.node('LogSoftmax', [logits], logits.dims, { axis: int(1) });
  const attributes = { axes: ints([1]), keepdims: int(1) };
  const largest = b.node('ReduceMax', [logits], [logits.dims[0]!, 1], attributes);
  const shifted = b.sub(logits, largest);
  const total = b.reduceSum(b.unary('Exp', shifted), [1], true);
  return b.sub(shifted, b.unary('Log', total));
}

const fusedMatMul: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [x, y] = lowering.inputs(node) as [StepTensor, StepTensor];
  const turned = (name: string) => intAttribute(node, name, 0) === 1;
  const product = b.matmul(b.toPlain(x), b.toPlain(y), turned('transA'), turned('transB'));
  lowering.bind(node.outputs[0]!, product);
};

/** The output of the forward node whose gradient this is. */
function forwardOutput(node: GraphNode): string {
  const of = node.attributes.of;
  if (of?.type !== 'string') throw new UserError(`${node.name}: it names no forward node`);
  return of.value;
}

/** They compute each value by itself, so they do in whichever layout. */
const ELEMENTWISE = [
  ...[
    'Abs',
    'Add',
    'And',
    'Cast',
    'Ceil',
    'Celu',
    'Clip',
    'Cos',
    'Div',
    'Elu',
    'Equal',
    'Erf',
    'Exp',
    'Floor',
  ],
  ...[
    'Greater',
    'GreaterOrEqual',
    'HardSigmoid',
    'HardSwish',
    'Identity',
    'LeakyRelu',
    'Less',
    'LessOrEqual',
  ],
  ...[
    'Log',
    'Max',
    'Min',
    'Mul',
    'Neg',
    'Not',
    'Or',
    'Pow',
    'Reciprocal',
    'Round',
    'Selu',
    'Sigmoid',
    'Sign',
  ],
  ...['Sin', 'Softplus', 'Softsign', 'Sqrt', 'Sub', 'Sum', 'Tanh', 'Where', 'Xor'],
];

/** The operators that onnxruntime gets in another form than they stand in the training graph. */
export const LOWERINGS: ReadonlyMap<string, OrtLowering> = new Map(
  Object.entries({
    ...Object.fromEntries(ELEMENTWISE.map((op) => [op, elementwise])),
    Conv: conv,
    [`${TRAINING}.ConvGrad`]: convGrad,
    [`${TRAINING}.BatchNormInternal`]: batchNormInternal,
    [`${TRAINING}.BatchNormalizationGrad`]: batchNormalizationGrad,
    Relu: relu,
    [`${TRAINING}.Relu6Grad`]: relu6Grad,
    [`${TRAINING}.ReluGrad`]: reluGrad,
    [`${TRAINING}.GeluInternal`]: geluInternal,
    [`${TRAINING}.GeluGrad`]: geluGrad,
    Gemm: gemm,
    [`${TRAINING}.FusedMatMul`]: fusedMatMul,
    ...POOLING,
    ReduceSum: reduceSum,
    ScatterND: scatterNd,
    Flatten: reshape,
    Reshape: reshape,
    Squeeze: reshape,
    Unsqueeze: reshape,
    [`${TRAINING}.SoftmaxCrossEntropy`]: softmaxCrossEntropy,
    [`${TRAINING}.SoftmaxCrossEntropyGrad`]: softmaxCrossEntropyGrad,
  }),
);
