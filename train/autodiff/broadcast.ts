import { spatialMean } from './channels.ts';
import type { StepBuilder, StepTensor } from './step-builder.ts';

/** Undoes numpy broadcasting in a gradient: sums over the axes along which a value of shape `dims` was repeated. */
export function sumToShape(b: StepBuilder, gradient: StepTensor, dims: readonly number[]): StepTensor {
  const from = gradient.dims;
  if (from.join() === dims.join()) return gradient;
  const [n, c, h, w] = from as [number, number, number, number];
  if (from.length === 4 && dims.join() === [n, c, 1, 1].join()) {
    return b.mul(spatialMean(b, gradient), b.constant(h * w));
  }
  const missing = from.length - dims.length;
  const axes = from
    .map((_, axis) => axis)
    .filter((axis) => axis < missing || dims[axis - missing] !== from[axis]);
  return b.reshape(b.reduceSum(b.toPlain(gradient), axes), dims);
}
