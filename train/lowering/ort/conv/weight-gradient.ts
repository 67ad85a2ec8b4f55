import type { StepBuilder, StepTensor } from '../step-builder.ts';
import { canFillBlocks, convolve, convolveAsItLies, type Movement } from './convolve.ts';
import { type ConvGeometry, isDense, isDepthwise, reach } from './geometry.ts';
import { canReadPixels, geometryKey, outputPixel, patchPixel, readPixels } from './pixel-rows.ts';
import { canReadRowBlocks, weightGradientByRowBlocks } from './row-blocks.ts';

/** The gradient of a convolution's weight, [O, I, kH, kW], by the cheapest formulation its geometry allows. */
export function convWeightGradient(
  b: StepBuilder,
  g: ConvGeometry,
  x: StepTensor,
  dy: StepTensor,
): StepTensor {
  if (isDepthwise(g)) return byImagesAsChannels(b, g, x, dy);
  if (!isDense(g)) return byExchangedRoles(b, g, b.toPlain(x), b.toPlain(dy));
  const strided = g.stride.some((stride) => stride > 1);
  const isPointwise = g.kernel[0] === 1 && g.kernel[1] === 1;
  if ((strided || isPointwise) && canReadPixels(b, g)) {
    return byPatches(b, g, b.toBlocked(x), b.toBlocked(dy));
  }
  if (isPointwise && canFillBlocks(b, g.inChannels, g.outChannels) && g.inChannels > b.blockSize) {
    const [filledX, filledDy] = [b.toFilledBlocks(x), b.toFilledBlocks(dy)];
    const filled = { ...g, inChannels: filledX.dims[1]!, outChannels: filledDy.dims[1]! };
    const product = byPatches(b, filled, filledX, filledDy);
    return b.window(product, [0, 0, 0, 0], [g.outChannels, g.inChannels, 1, 1]);
  }
  if (canReadRowBlocks(b, g)) return weightGradientByRowBlocks(b, g, x, b.toBlocked(dy));
  if (strided && !b.portable && g.inChannels < b.blockSize && b.canBlock(g.outChannels)) {
    return byGatheredTaps(b, g, b.toPlain(x), b.toBlocked(dy));
  }
  const plainX = b.toPlain(x);
  const plainDy = b.toPlain(dy);
  const unpadded = g.pads.every((pad) => pad === 0);
  if (isPointwise && unpadded) return pointwise(b, g, plainX, plainDy);
  if (!strided) return bySplitShifts(b, g, plainX, plainDy);
  return byPhases(b, g, plainX, plainDy);
}

function pointwise(b: StepBuilder, g: ConvGeometry, x: StepTensor, dy: StepTensor): StepTensor {
  const [outH, outW] = g.output;
  let read = x;
  if (g.stride[0] > 1) read = b.slice(read, 2, 0, g.input[0], g.stride[0]);
  if (g.stride[1] > 1) read = b.slice(read, 3, 0, g.input[1], g.stride[1]);
  const product = sumOfProducts(
    b,
    b.reshape(dy, [g.batch, g.outChannels, outH * outW]),
    b.reshape(read, [g.batch, g.inChannels, outH * outW]),
  );
  return b.reshape(product, [g.outChannels, g.inChannels, 1, 1]);
}

/**
 * Stride 1. With X padded to Hp rows, dW[o, c, i, j] = sum over rows r and columns w of
 * dY[o, r - i, w] X[c, r, w + j]: the row shifts i fall on copies of dY, the column shifts j on copies of X,
 * so kH + kW copies stand in for the kH * kW of im2col, and one product gives every tap.
 */
function bySplitShifts(b: StepBuilder, g: ConvGeometry, x: StepTensor, dy: StepTensor): StepTensor {
  const { batch: n, inChannels: c, outChannels: o } = g;
  const [kernelH, kernelW] = g.kernel;
  const [top, left, bottom, right] = g.pads;
  const [outH, outW] = g.output;
  const rows = g.input[0] + top + bottom;
  // Padding by less than nothing cuts, so each shifted copy is one pass.
  const columnsShifted = Array.from({ length: kernelW }, (_, j) =>
    b.pad(x, [0, 0, top, left - j], [0, 0, bottom, right - (kernelW - 1 - j)]),
  );
  const rowsShifted = Array.from({ length: kernelH }, (_, i) =>
    b.pad(dy, [0, 0, i, 0], [0, 0, rows - outH - i, 0]),
  );
  const product = sumOfProducts(
    b,
    b.reshape(b.concat(rowsShifted, 1), [n, kernelH * o, rows * outW]),
    b.reshape(b.concat(columnsShifted, 1), [n, kernelW * c, rows * outW]),
  );
  return b.transpose(b.reshape(product, [kernelH, o, kernelW, c]), [1, 3, 0, 2]);
}

/** Of sums longer than this, a product of few rows and many columns takes half the time of the reverse. */
const LONG_SUM = 4096;

/** Blocked activations: what each output pixel read (im2col) in one product with dY. */
function byPatches(b: StepBuilder, g: ConvGeometry, x: StepTensor, dy: StepTensor): StepTensor {
  const [kernelH, kernelW] = g.kernel;
  const taps = kernelH * kernelW;
  const outputs = g.batch * g.output[0] * g.output[1];
  const patches = readPixels(b, x, `patches:${geometryKey(g)}`, outputs * taps, patchPixel(g));
  const gradients = readPixels(b, dy, 'pixels', outputs, outputPixel(g));
  const inputs = b.reshape(patches, [outputs, taps * g.inChannels]);
  const dims = [g.outChannels, g.inChannels, kernelH, kernelW];
  if (taps * g.inChannels < g.outChannels && outputs > LONG_SUM) {
    const product = b.reshape(b.matmul(inputs, gradients, true, false), [taps, g.inChannels, g.outChannels]);
    return b.reshape(b.transpose(product, [2, 1, 0]), dims);
  }
  const product = b.matmul(gradients, inputs, true, false);
  return b.reshape(b.transpose(b.reshape(product, [g.outChannels, taps, g.inChannels]), [0, 2, 1]), dims);
}

/**
 * Any stride s: X is sorted by (row mod s, column mod s), so that what a tap reads is a contiguous window,
 * and the windows of all taps (im2col at the output's resolution) make one product with dY.
 */
function byPhases(b: StepBuilder, g: ConvGeometry, x: StepTensor, dy: StepTensor): StepTensor {
  const { batch: n, inChannels: c, outChannels: o } = g;
  const [kernelH, kernelW] = g.kernel;
  const [strideH, strideW] = g.stride;
  const [top, left, bottom, right] = g.pads;
  const [outH, outW] = g.output;
  const roundUp = (size: number, multiple: number) => Math.ceil(size / multiple) * multiple;
  const rows = roundUp(g.input[0] + top + bottom, strideH);
  const columns = roundUp(g.input[1] + left + right, strideW);
  const padded = b.pad(x, [0, 0, top, left], [0, 0, rows - g.input[0] - top, columns - g.input[1] - left]);
  const split = b.reshape(padded, [n, c, rows / strideH, strideH, columns / strideW, strideW]);
  const phases = b.transpose(split, [3, 5, 0, 1, 2, 4]); // [sH, sW, N, C, rows / sH, columns / sW]
  const windows: StepTensor[] = [];
  for (let i = 0; i < kernelH; i++) {
    for (let j = 0; j < kernelW; j++) {
      const [rowStart, columnStart] = [Math.floor(i / strideH), Math.floor(j / strideW)];
      const [phaseH, phaseW] = [i % strideH, j % strideW];
      const start = [phaseH, phaseW, 0, 0, rowStart, columnStart];
      const end = [phaseH + 1, phaseW + 1, n, c, rowStart + outH, columnStart + outW];
      windows.push(b.reshape(b.window(phases, start, end), [n, c, outH * outW]));
    }
  }
  const product = sumOfProducts(b, b.reshape(dy, [n, o, outH * outW]), b.concat(windows, 1));
  return b.transpose(b.reshape(product, [o, kernelH, kernelW, c]), [0, 3, 1, 2]);
}

/**
 * A strided stem, whose few input channels fill no block: a convolution whose filters have a single 1 each gives what
 * every tap read as a channel of its own (im2col), in a twentieth of the time that a Slice a tap takes; with those the
 * gradient is that of a 1x1 convolution.
 */
function byGatheredTaps(b: StepBuilder, g: ConvGeometry, x: StepTensor, dy: StepTensor): StepTensor {
  const { inChannels: c, outChannels: o, kernel } = g;
  const values = c * kernel[0] * kernel[1];
  const channels = Math.ceil(values / b.blockSize) * b.blockSize;
  const ones = Array.from({ length: channels * values }, (_, i) =>
    Math.floor(i / values) === i % values ? 1 : 0,
  );
  const filter = b.constant(ones, [channels, c, ...kernel]);
  const read = convolve(b, x, filter, undefined, { ...g, group: 1 });
  const pointwise: ConvGeometry = {
    ...{ batch: g.batch, inChannels: channels, outChannels: o, group: 1, kernel: [1, 1] },
    ...{ stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], input: g.output, output: g.output },
  };
  const product = byPatches(b, pointwise, b.toBlocked(read), dy);
  return b.reshape(b.window(product, [0, 0, 0, 0], [o, values, 1, 1]), [o, c, ...kernel]);
}

/**
 * sum over n of a[n] b[n]^T for a [N, P, K] and b [N, Q, K]: [P, Q]. Either one product an image and a sum of
 * the N results, or, where those results would outgrow the factors, one product over all images, for which
 * the factors are transposed.
 */
function sumOfProducts(b: StepBuilder, left: StepTensor, right: StepTensor): StepTensor {
  const [n, p, k] = left.dims as [number, number, number];
  const q = right.dims[1]!;
  if (2 * p * q <= (p + q) * k) return b.reduceSum(b.matmul(left, right, false, true), [0]);
  const flatten = (factor: StepTensor, rows: number) =>
    b.reshape(b.transpose(factor, [1, 0, 2]), [rows, n * k]);
  return b.matmul(flatten(left, p), flatten(right, q), false, true);
}

/** dY as the filter that is moved over X: what was the step of the taps is now that of the filter, and the reverse. */
function exchanged(g: ConvGeometry): { movement: Movement; taps: [number, number] } {
  const pads: ConvGeometry['pads'] = [...g.pads];
  for (const axis of [0, 1] as const) {
    const read = (g.output[axis] - 1) * g.stride[axis] + reach(g, axis) + 1;
    // Pixels that are not read would give taps past the last one; without padding they may still.
    pads[axis + 2] = Math.max(0, read - g.input[axis] - g.pads[axis]);
  }
  return { movement: { stride: g.dilation, dilation: g.stride, pads, group: g.group }, taps: g.kernel };
}

/**
 * Depthwise: dW[c, i, j] = sum over images and pixels of dY[n, c, r, s] X[n, c, r + i, s + j] is, but for the sum over
 * images, a depthwise convolution of one image whose channels are those of all images, with dY as its filter. Blocked
 * activations lie in memory as onnxruntime's depthwise kernel takes both.
 */
function byImagesAsChannels(b: StepBuilder, g: ConvGeometry, x: StepTensor, dy: StepTensor): StepTensor {
  const { batch: n, inChannels: c } = g;
  const { movement, taps } = exchanged(g);
  const [kernelH, kernelW] = taps;
  const blocked = b.canBlock(c);
  const block = blocked ? b.blockSize : 1;
  const lies = (a: StepTensor): StepTensor => ({
    ...(blocked ? b.toBlocked(a) : b.toPlain(a)),
    layout: 'plain',
  });
  const image = b.reshape(lies(x), [1, n * c, ...g.input]);
  const filter = b.reshape(lies(dy), [n * c, 1, ...g.output]);
  const moved = convolveAsItLies(
    b,
    image,
    filter,
    { ...movement, group: n * c },
    blocked ? 'blocked' : 'plain',
  );
  const [, , rows, columns] = moved.dims as [number, number, number, number];
  const split = b.reshape({ ...moved, layout: 'plain' }, [(n * c) / block, rows, columns, block]);
  const read = b.slice(b.slice(split, 1, 0, kernelH), 2, 0, kernelW);
  const sum = b.reduceSum(b.reshape(read, [n, c * kernelH * kernelW]), [0]);
  const flat = b.reshape(sum, [c / block, kernelH * kernelW, block]);
  return b.reshape(block === 1 ? flat : b.transpose(flat, [0, 2, 1]), [c, 1, kernelH, kernelW]);
}

/** Any convolution: the images, their channels and the gradient's change places. */
function byExchangedRoles(b: StepBuilder, g: ConvGeometry, x: StepTensor, dy: StepTensor): StepTensor {
  const { batch: n, group, outChannels: o } = g;
  const { movement, taps } = exchanged(g);
  const each = g.inChannels / group;
  const [height, width] = g.input;
  const images = b.transpose(b.reshape(x, [n, group, each, height * width]), [2, 1, 0, 3]);
  const filter = b.transpose(dy, [1, 0, 2, 3]);
  const moved = convolve(b, b.reshape(images, [each, group * n, height, width]), filter, undefined, movement);
  const read = b.slice(b.slice(b.toPlain(moved), 2, 0, taps[0]), 3, 0, taps[1]);
  return b.reshape(b.transpose(read, [1, 0, 2, 3]), [o, each, ...taps]);
}
