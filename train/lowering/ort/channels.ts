import { type Attribute, int, ints } from '../../../core/onnx/graph.ts';
import { NCHWC, type StepBuilder, type StepTensor } from './step-builder.ts';

/** Sum of an activation [N, C, H, W] over everything but the channel, in either layout: [C]. */
export function channelSum(b: StepBuilder, x: StepTensor): StepTensor {
  const [n, c, h, w] = x.dims as [number, number, number, number];
  // Rows first: onnxruntime has vectorised kernels for sums over one axis, and none for axes 0 and 2 at once.
  if (x.layout === 'plain') return b.reduceSum(b.reduceSum(b.reshape(x, [n, c, h * w]), [2]), [0]);
  // Of a 4x4 image the pooling kernel takes a quarter of the time of ReduceSum, of a 32x32 one as long.
  const mean = b.node('GlobalAveragePool', [x], [n, c, 1, 1], {}, { domain: NCHWC });
  return b.mul(b.reduceSum(b.reshape(mean, [n, c]), [0]), b.constant(h * w));
}

/** Sum of the products of two activations of equal layout over everything but the channel: [C]. */
export function channelProductSum(b: StepBuilder, x: StepTensor, y: StepTensor): StepTensor {
  if (x.layout === 'plain') return channelSum(b, b.mul(x, y));
  const [n, c, h, w] = x.dims as [number, number, number, number];
  // A depthwise convolution with a filter of the image's size, which is the other image: no product is written, which
  // takes half the time or, of a 4x4 image, a quarter.
  const inputs = [
    b.reshape({ ...x, layout: 'plain' }, [1, n * c, h, w]),
    b.reshape({ ...y, layout: 'plain' }, [n * c, 1, h, w]),
  ];
  const attributes = { group: int(n * c), kernel_shape: ints([h, w]) };
  const sums = b.node('Conv', inputs, [1, n * c, 1, 1], attributes, { domain: NCHWC });
  return b.reduceSum(b.reshape(sums, [n, c]), [0]);
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
  /** What follows, as attributes of an NCHWc Conv: `activation` and perhaps `activation_params`. */
  activation?: Readonly<Record<string, Attribute>>;
}

/** `scale[c] * x + shift[c] (+ add)`, then perhaps an activation; the result has x's layout. */
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
      ...options.activation,
    };
    return b.node('Conv', inputs, x.dims, attributes, { domain: NCHWC, layout: 'blocked' });
  }
  let y = b.add(b.mul(x, b.reshape(scale, [c, 1, 1])), b.reshape(shift, [c, 1, 1]));
  if (options.add) y = b.add(y, options.add);
  return options.activation ? activate(b, y, options.activation) : y;
}

/** `x + shift[c]`, in x's layout. */
export function channelShift(b: StepBuilder, x: StepTensor, shift: StepTensor): StepTensor {
  const c = x.dims[1]!;
  if (x.layout === 'plain') return b.add(x, b.reshape(shift, [c, 1, 1]));
  return channelAffine(b, x, b.constant(new Array<number>(c).fill(1), [c]), shift);
}

function activate(
  b: StepBuilder,
  x: StepTensor,
  { activation, activation_params: parameters }: Readonly<Record<string, Attribute>>,
): StepTensor {
  const bounds = parameters?.type === 'floats' ? parameters.value.map((bound) => b.constant(bound)) : [];
  if (activation?.type !== 'string') throw new Error('an activation has a name');
  return b.node(activation.value, [x, ...bounds], x.dims, {}, { layout: x.layout });
}
