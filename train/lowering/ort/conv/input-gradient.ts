import { int, ints } from '../../../../core/onnx/graph.ts';
import type { StepBuilder, StepTensor } from '../step-builder.ts';
import { convolve, type Movement } from './convolve.ts';
import { type ConvGeometry, isDense, isDepthwise, reach } from './geometry.ts';
import { canReadPixels, geometryKey, outputPixel, readPixels, writePixels } from './pixel-rows.ts';

/**
 * Up to so many channels, a multiplication by the zeros in a parity's filter costs less than the memory
 * traffic of patches. Measured: parities make resnet20 3 % faster and resnet18, all wider, 1 % slower.
 */
const NARROW = 64;

/** The gradient of a convolution's input, by the cheapest formulation its geometry allows. */
export function convInputGradient(
  b: StepBuilder,
  g: ConvGeometry,
  weight: StepTensor,
  dy: StepTensor,
): StepTensor {
  const unitStride = g.stride.every((stride) => stride === 1);
  const overPadded = spreadPads(g).some((pad) => pad < 0);
  if (unitStride && !overPadded) return byFlippedConv(b, g, weight, dy);
  if (isPointwise(g)) return byPointwiseConv(b, g, weight, dy);
  if (isDepthwise(g) && b.canBlock(g.group) && !overPadded) return bySpreadConv(b, g, weight, dy);
  if (!isDense(g)) return byConvTranspose(b, g, weight, dy);
  if (isHalving3x3(g) && (g.outChannels <= NARROW || !canReadPixels(b, g))) return byParity(b, g, weight, dy);
  if (canReadPixels(b, g)) return byPatches(b, g, weight, b.toBlocked(dy));
  return byConvTranspose(b, g, weight, dy);
}

function isPointwise(g: ConvGeometry): boolean {
  return g.kernel.every((k) => k === 1) && g.pads.every((p) => p === 0);
}

function isHalving3x3(g: ConvGeometry): boolean {
  const evenInput = g.input.every((size) => size % 2 === 0);
  return (
    evenInput &&
    g.kernel.every((k) => k === 3) &&
    g.stride.every((s) => s === 2) &&
    g.pads.every((p) => p === 1)
  );
}

/** Stride 1: a convolution of dY with the filter turned by 180 degrees, its channel axes swapped. */
function byFlippedConv(b: StepBuilder, g: ConvGeometry, weight: StepTensor, dy: StepTensor): StepTensor {
  return convolve(
    b,
    dy,
    weight,
    undefined,
    { ...UNMOVED, dilation: g.dilation, pads: spreadPads(g), group: g.group },
    true,
  );
}

const UNMOVED = { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], group: 1 } satisfies Movement;

/**
 * The padding of the convolution that carries dY, zeros between and after its pixels where there is a stride, back to
 * dX: top, left, bottom, right.
 */
function spreadPads(g: ConvGeometry): ConvGeometry['pads'] {
  const before = (axis: 0 | 1) => reach(g, axis) - g.pads[axis];
  const after = (axis: 0 | 1) => g.input[axis] + g.pads[axis] - g.output[axis] * g.stride[axis];
  return [before(0), before(1), after(0), after(1)];
}

/**
 * Depthwise with a stride, blocked: dY with zeros between its pixels is convolved as at stride 1. onnxruntime's
 * depthwise kernel multiplies those zeros faster than four parities are put in their places.
 */
function bySpreadConv(b: StepBuilder, g: ConvGeometry, weight: StepTensor, dy: StepTensor): StepTensor {
  const [outH, outW] = g.output;
  const [strideH, strideW] = g.stride;
  const outer = g.batch * (g.inChannels / b.blockSize);
  const view = b.reshape({ ...b.toBlocked(dy), layout: 'plain' }, [outer, outH, outW * b.blockSize]);
  const rows = b.reshape(view, [outer * outH, 1, outW, b.blockSize]);
  const spread = b.pad(rows, [0, 0, 0, 0], [0, strideH - 1, 0, (strideW - 1) * b.blockSize]);
  const dims = [g.batch, g.inChannels, outH * strideH, outW * strideW];
  const image: StepTensor = { ...b.reshape(spread, dims), layout: 'blocked' };
  return convolve(
    b,
    image,
    weight,
    undefined,
    { ...UNMOVED, dilation: g.dilation, pads: spreadPads(g), group: g.group },
    true,
  );
}

/** 1x1 with a stride: the pixels that were read get W^T dY, the ones between get zero. */
function byPointwiseConv(b: StepBuilder, g: ConvGeometry, weight: StepTensor, dy: StepTensor): StepTensor {
  const dx = convolve(b, dy, weight, undefined, { ...UNMOVED, group: g.group }, true);
  const [strideH, strideW] = g.stride;
  const [outH, outW] = g.output;
  const inner = dx.layout === 'blocked' ? b.blockSize : 1;
  const outer = g.batch * (g.inChannels / inner);
  // Zeros go in between by padding: a row axis of 1 grows to the stride, a pixel of `inner` values to its multiple.
  const view = b.reshape({ ...dx, layout: 'plain' }, [outer, outH, 1, outW, inner]);
  const spread = b.pad(view, [0, 0, 0, 0, 0], [0, 0, strideH - 1, 0, (strideW - 1) * inner]);
  let rows = b.reshape(spread, [outer, outH * strideH, outW * strideW, inner]);
  const [height, width] = g.input;
  // Pixels past the last one read: cut those that the padding made too many, add those that are missing.
  rows = b.slice(rows, 1, 0, Math.min(height, outH * strideH));
  rows = b.slice(rows, 2, 0, Math.min(width, outW * strideW));
  rows = b.pad(rows, [0, 0, 0, 0], [0, height - rows.dims[1]!, width - rows.dims[2]!, 0]);
  const dims = [g.batch, g.inChannels, height, width];
  return { ...b.reshape(rows, dims), layout: dx.layout };
}

/**
 * Any geometry, blocked activations: one product gives what each output pixel hands back to the taps it read;
 * an input pixel then sums what it is handed (col2im), at most one value a step of the taps.
 */
function byPatches(b: StepBuilder, g: ConvGeometry, weight: StepTensor, dy: StepTensor): StepTensor {
  const { inChannels: c, outChannels: o } = g;
  const [kernelH, kernelW] = g.kernel;
  const [strideH, strideW] = g.stride;
  const [outH, outW] = g.output;
  const taps = kernelH * kernelW;
  const outputs = g.batch * outH * outW;
  const filter = b.transpose(b.reshape(weight, [o, c, taps]), [0, 2, 1]);
  const gradients = readPixels(b, dy, 'pixels', outputs, outputPixel(g));
  const handed = b.matmul(gradients, b.reshape(filter, [o, taps * c]));
  const rows = b.reshape(handed, [outputs * taps, c]);
  const dims = [g.batch, c, ...g.input];
  const parts: StepTensor[] = [];
  for (let stepH = 0; stepH < Math.ceil(kernelH / strideH); stepH++) {
    for (let stepW = 0; stepW < Math.ceil(kernelW / strideW); stepW++) {
      const key = `handed:${geometryKey(g)}:${stepH},${stepW}`;
      parts.push(
        writePixels(b, rows, key, dims, ([image, row, column]) => {
          const [i, j] = [
            ((row + g.pads[0]) % strideH) + stepH * strideH,
            ((column + g.pads[1]) % strideW) + stepW * strideW,
          ];
          const [outRow, outColumn] = [(row + g.pads[0] - i) / strideH, (column + g.pads[1] - j) / strideW];
          const reads = i < kernelH && j < kernelW && outRow >= 0 && outColumn >= 0;
          if (!reads || outRow >= outH || outColumn >= outW) return undefined;
          return ((image * outH + outRow) * outW + outColumn) * taps + i * kernelW + j;
        }),
      );
    }
  }
  return parts.reduce((sum, part) => b.add(sum, part));
}

/**
 * 3x3, stride 2, padding 1 on an even input: pixel 2a of a row takes the middle tap at output a; pixel 2a + 1
 * takes the last tap at a and the first at a + 1. So the four parities of (row, column) are one 2x2
 * convolution of dY with four times the channels, which are then put in their places.
 */
function byParity(b: StepBuilder, g: ConvGeometry, weight: StepTensor, dy: StepTensor): StepTensor {
  const { inChannels: c, outChannels: o, batch: n } = g;
  const [outH, outW] = g.output;
  const taps = [1, 3, 2, 0]; // even: middle tap, none; odd: last tap, first tap (index 3 is padding)
  let filter = b.pad(weight, [0, 0, 0, 0], [0, 0, 1, 1]);
  filter = b.gather(b.gather(filter, 2, taps), 3, taps);
  filter = b.transpose(b.reshape(filter, [o, c, 2, 2, 2, 2]), [2, 4, 1, 0, 3, 5]);
  filter = b.reshape(filter, [4 * c, o, 2, 2]);
  const parities = convolve(b, dy, filter, undefined, { ...UNMOVED, pads: [0, 0, 1, 1] });
  const inner = parities.layout === 'blocked' && c % b.blockSize === 0 ? b.blockSize : 1;
  const source = inner === 1 ? b.toPlain(parities) : parities;
  const view = b.reshape({ ...source, layout: 'plain' }, [n, 2, 2, c / inner, outH, outW, inner]);
  const placed = b.transpose(view, [0, 3, 4, 1, 5, 2, 6]);
  return { ...b.reshape(placed, [n, c, 2 * outH, 2 * outW]), layout: inner === 1 ? 'plain' : 'blocked' };
}

/** Any geometry: ONNX's own transposed convolution. */
function byConvTranspose(b: StepBuilder, g: ConvGeometry, weight: StepTensor, dy: StepTensor): StepTensor {
  const attributes = {
    kernel_shape: ints(g.kernel),
    strides: ints(g.stride),
    dilations: ints(g.dilation),
    pads: ints(g.pads),
    group: int(g.group),
    output_padding: ints([unread(g, 0), unread(g, 1)]),
  };
  const dims = [g.batch, g.inChannels, g.input[0], g.input[1]];
  return b.node('ConvTranspose', [b.toPlain(dy), weight], dims, attributes);
}

/** Rows (axis 0) or columns (axis 1) of the padded input after the last one that is read; below 0: none. */
function unread(g: ConvGeometry, axis: 0 | 1): number {
  return (
    g.input[axis] +
    g.pads[axis] +
    g.pads[axis + 2]! -
    (g.output[axis] - 1) * g.stride[axis] -
    reach(g, axis) -
    1
  );
}
