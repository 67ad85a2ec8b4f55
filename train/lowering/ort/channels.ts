import { int, ints, str } from '../../../core/onnx/graph.ts';
import { NCHWC, type StepBuilder, type StepTensor } from './step-builder.ts';

/** Sum of an activation [N, C, H, W] over everything but the channel, in either layout: [C]. */
export function channelSum(b: StepBuilder, x: StepTensor): StepTensor {
  const [n, c, h, w] = x.dims as [number, number, number, number];
  return sumOfPixels(b, x.layout === 'blocked' ? b.blockView(x) : b.reshape(x, [n, c, h * w]), x);
}

/** Sum of the squares of an activation over everything but the channel: [C]. */
export function channelSquareSum(b: StepBuilder, x: StepTensor): StepTensor {
  if (x.layout === 'plain') return channelSum(b, b.mul(x, x));
  // Of other dims than x, so that the gradient of an activation is not planned to lie in this buffer.
  const view = b.blockView(x);
  return sumOfPixels(b, b.mul(view, view), x);
}

/** [C] of a view of an activation whose third axis is its pixels. */
function sumOfPixels(b: StepBuilder, view: StepTensor, { dims }: StepTensor): StepTensor {
  // Rows first: onnxruntime has vectorised kernels for sums over one axis, and none for axes 0 and 2 at once.
  return b.reduceSum(b.reshape(b.reduceSum(view, [2]), dims.slice(0, 2)), [0]);
}

/** Mean over the pixels of every channel of every image: [N, C, 1, 1], plain. */
export function spatialMean(b: StepBuilder, x: StepTensor): StepTensor {
  const [n, c, h, w] = x.dims as [number, number, number, number];
  const mean =
    x.layout === 'blocked'
      ? b.reduceMean(b.blockView(x), [2])
      : b.reduceMean(b.reshape(x, [n, c, h * w]), [2]);
  return b.reshape(mean, [n, c, 1, 1]);
}

/** Spreads [N, C, 1, 1] over the pixels of an activation shaped and laid out as `like`. */
export function spreadOverPixels(b: StepBuilder, a: StepTensor, like: StepTensor): StepTensor {
  const [n, c, h, w] = like.dims as [number, number, number, number];
  if (like.layout === 'plain') return b.expand(a, [n, c, h, w]);
  const view = b.reshape(a, [n, c / b.blockSize, 1, b.blockSize]);
  return b.fromBlockView(b.expand(view, [n, c / b.blockSize, h * w, b.blockSize]), like.dims);
}

export interface AffineOptions {
  /** Added to the result, in x's shape and layout. */
  add?: StepTensor;
  /** Clamp the result at zero. */
  relu?: boolean;
}

/** `scale[c] * x + shift[c] (+ add)`, then perhaps ReLU; the result has x's layout. */
export function channelAffine(
  b: StepBuilder,
  x: StepTensor,
  scale: StepTensor,
  shift: StepTensor,
  options: AffineOptions = {},
): StepTensor {
  const c = x.dims[1]!;
  if (x.layout === 'blocked') {
    // A depthwise 1x1 convolution does all of it in one pass over memory.
    const inputs = [x, b.reshape(scale, [c, 1, 1, 1]), shift, ...(options.add ? [options.add] : [])];
    const attributes = {
      group: int(c),
      kernel_shape: ints([1, 1]),
      ...(options.relu ? { activation: str('Relu') } : {}),
    };
    return b.node('Conv', inputs, x.dims, attributes, { domain: NCHWC, layout: 'blocked' });
  }
  let y = b.add(b.mul(x, b.reshape(scale, [c, 1, 1])), b.reshape(shift, [c, 1, 1]));
  if (options.add) y = b.add(y, options.add);
  return options.relu ? b.unary('Relu', y) : y;
}
