import type { StepBuilder, StepTensor } from '../step-builder.ts';

/**
 * The filter of the convolution that carries dY back to dX: a filter [O, I / group, kH, kW] turned by 180 degrees,
 * its channel axes swapped within each group: [I, O / group, kH, kW].
 */
export function turnFilter(b: StepBuilder, weight: StepTensor, group = 1): StepTensor {
  const swapped = swapChannels(b, weight, group);
  const [i, o, h, w] = swapped.dims as [number, number, number, number];
  if (h * w === 1) return swapped;
  return b.reshape(b.gather(b.reshape(swapped, [i, o, h * w]), 2, reversed(h * w)), [i, o, h, w]);
}

/** Lays a filter [O, I, kH, kW] out as MLAS's OIHWBiBo, or OIHWBo where I is below a block: plain NCHW, depthwise. */
export function blockFilter(b: StepBuilder, weight: StepTensor): StepTensor {
  const [o, i, h, w] = weight.dims as [number, number, number, number];
  const block = b.blockSize;
  // A block of output channels is to this operator an image of as many pixels as a channel has weights.
  const image = b.reshape(weight, [o / block, block, 1, i * h * w]);
  const outInnermost: StepTensor = { ...b.toBlocked(image), layout: 'plain' };
  if (i < block) return b.reshape(outInnermost, [o, i, h, w]);
  if (h * w === 1) return b.reshape(outInnermost, [o, i, h, w]);
  const groups = b.reshape(outInnermost, [(o / block) * (i / block), block, h * w, block]);
  return b.reshape(b.transpose(groups, [0, 2, 1, 3]), [o, i, h, w]);
}

/** `blockFilter(turnFilter(weight, group))`: [I, O / group, kH, kW]. */
export function blockTurnedFilter(b: StepBuilder, weight: StepTensor, group = 1): StepTensor {
  if (group === 1 && weight.dims[2] === 1 && weight.dims[3] === 1 && b.canBlock(weight.dims[1]!)) {
    // 1x1: a row of input channels is moved as it is, block by block.
    const [outputs, inputs] = weight.dims as [number, number];
    const rows = b.reshape(weight, [outputs, inputs / b.blockSize, b.blockSize]);
    return b.reshape(b.transpose(rows, [1, 0, 2]), [inputs, outputs, 1, 1]);
  }
  const blocked = blockFilter(b, swapChannels(b, weight, group));
  const [i, o, h, w] = blocked.dims as [number, number, number, number];
  const taps = h * w;
  if (taps === 1) return blocked;
  // The turn comes last: a tap is then a whole block of channels to copy, not a single value.
  const chunk = o < b.blockSize ? b.blockSize : b.blockSize ** 2;
  const groups = b.reshape(blocked, [(i * o) / chunk, taps, chunk]);
  return b.reshape(b.gather(groups, 1, reversed(taps)), [i, o, h, w]);
}

function swapChannels(b: StepBuilder, weight: StepTensor, group: number): StepTensor {
  const [o, i, h, w] = weight.dims as [number, number, number, number];
  if (group === 1) return b.transpose(weight, [1, 0, 2, 3]);
  const dims = [group * i, o / group, h, w];
  if (i === 1 && o === group) return weight;
  return b.reshape(b.transpose(b.reshape(weight, [group, o / group, i, h * w]), [0, 2, 1, 3]), dims);
}

function reversed(count: number): number[] {
  return Array.from({ length: count }, (_, index) => count - 1 - index);
}
