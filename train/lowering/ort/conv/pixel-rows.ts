import { sizeOf } from '../../../../core/onnx/graph.ts';
import type { RowIndex, StepBuilder, StepTensor } from '../step-builder.ts';
import type { ConvGeometry } from './geometry.ts';

/** Whether the activations on both sides of a convolution can be read and written pixel by pixel. */
export function canReadPixels(b: StepBuilder, g: ConvGeometry): boolean {
  // Long index lists, and a layout that only onnxruntime's CPU provider has.
  return !b.portable && b.canBlock(g.inChannels) && b.canBlock(g.outChannels);
}

/** A pixel of a batch of images; outside of them it is zero. */
export type Pixel = readonly [image: number, row: number, column: number];

/**
 * Reads pixels of a blocked activation [N, C, H, W] in any order, repeated or left out: [pixels, C]. One Gather
 * whose rows are the channel blocks of a pixel: the values of a row stay together in memory, and onnxruntime
 * copies rows in all threads. So image patches cost little more than memory takes, where slices, pads,
 * transposes and concatenations of the same would copy several times.
 * @param key stands for the order in which `pixel` names them; equal keys and shapes, equal orders
 */
export function readPixels(
  b: StepBuilder,
  x: StepTensor,
  key: string,
  count: number,
  pixel: (index: number) => Pixel,
): StepTensor {
  const [n, c, height, width] = x.dims as [number, number, number, number];
  const block = b.blockSize;
  const blocks = c / block;
  const zeros = n * blocks * height * width;
  const index = b.rowIndex(`read:${x.dims.join()}:${key}`, () => {
    const rows = new Int32Array(count * blocks);
    for (let i = 0; i < count; i++) {
      const [image, row, column] = pixel(i);
      const inside = row >= 0 && row < height && column >= 0 && column < width;
      for (let k = 0; k < blocks; k++) {
        rows[i * blocks + k] = inside ? ((image * blocks + k) * height + row) * width + column : zeros;
      }
    }
    return rows;
  });
  const view = b.reshape({ ...x, layout: 'plain' }, b.ofThisPass([zeros, block]));
  return b.reshape(b.gatherRows(zeroTerminated(b, view, index), index), [count, c]);
}

/** What tells convolutions apart that read the same image differently. */
export function geometryKey(g: ConvGeometry): string {
  return [g.kernel, g.stride, g.pads].join();
}

/** The output pixels of a convolution in order, for {@link readPixels}. */
export function outputPixel(g: ConvGeometry): (index: number) => Pixel {
  const [outH, outW] = g.output;
  return (index) => [Math.floor(index / (outH * outW)), Math.floor(index / outW) % outH, index % outW];
}

/** The input pixels that each output pixel of a convolution reads, tap by tap, for {@link readPixels}. */
export function patchPixel(g: ConvGeometry): (index: number) => Pixel {
  const [kernelH, kernelW] = g.kernel;
  const taps = kernelH * kernelW;
  const output = outputPixel(g);
  return (index) => {
    const tap = index % taps;
    const [image, row, column] = output(Math.floor(index / taps));
    return [
      image,
      row * g.stride[0] + Math.floor(tap / kernelW) - g.pads[0],
      column * g.stride[1] + (tap % kernelW) - g.pads[1],
    ];
  };
}

/** Rows of a matrix [..., rows, C], with a row of zeros after them if `index` names it. */
function zeroTerminated(b: StepBuilder, rows: StepTensor, index: RowIndex): StepTensor {
  if (index.last < rows.dims.at(-2)!) return rows;
  const width = rows.dims.at(-1)!;
  const zeros = b.constant(new Array<number>(width).fill(0), [...rows.dims.slice(0, -2), 1, width]);
  return b.concat([rows, zeros], rows.dims.length - 2);
}

/**
 * Writes pixels [pixels, C] to a blocked activation of shape `dims`: where {@link readPixels} says which pixel a
 * row is read from, this says which row a pixel is written from; undefined: zero.
 */
export function writePixels(
  b: StepBuilder,
  rows: StepTensor,
  key: string,
  dims: readonly number[],
  rowOf: (pixel: Pixel) => number | undefined,
): StepTensor {
  const [n, c, height, width] = dims as [number, number, number, number];
  const block = b.blockSize;
  const blocks = c / block;
  const zeros = (sizeOf(rows.dims) / c) * blocks;
  const index = b.rowIndex(`write:${dims.join()}:${key}`, () => {
    const sources = new Int32Array(n * blocks * height * width);
    let at = 0;
    for (let image = 0; image < n; image++) {
      for (let k = 0; k < blocks; k++) {
        for (let row = 0; row < height; row++) {
          for (let column = 0; column < width; column++) {
            const source = rowOf([image, row, column]);
            sources[at++] = source === undefined ? zeros : source * blocks + k;
          }
        }
      }
    }
    return sources;
  });
  const parts = zeroTerminated(b, b.reshape(rows, b.ofThisPass([zeros, block])), index);
  return { ...b.reshape(b.gatherRows(parts, index), dims), layout: 'blocked' };
}
