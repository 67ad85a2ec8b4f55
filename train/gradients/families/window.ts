import { type Attribute, type GraphNode, int, ints, intsAttribute } from '../../../core/onnx/graph.ts';
import type { TrainedNode } from '../rule.ts';
import type { TrainingGraphBuilder, Value } from '../training-graph.ts';

/** [N, C, L] as [N, C, 1, L], and a filter [out, in, K] likewise. */
export const asPlane = (g: TrainingGraphBuilder, value: Value): Value =>
  value.dims.length === 3 ? g.reshape(value, planeOf(value.dims)) : value;

/** [N, C, L] as [N, C, 1, L]. */
export const planeOf = ([n, c, ...rest]: readonly number[]): number[] => [n!, c!, ...plane(rest)];

/** Of one spatial axis as of the second of two, of which the first is `first` long. */
export const plane = (values: readonly number[], first = 1): readonly number[] =>
  values.length === 1 ? [first, ...values] : values;

/**
 * The forward pass of a node that slides a window over [N, C, H, W], or over [N, C, L] as over images one pixel high:
 * its output, and that as an image.
 */
export function slide(
  g: TrainingGraphBuilder,
  n: TrainedNode,
  attributes: Readonly<Record<string, Attribute>>,
): Value[] {
  if (n.x.dims.length === 4) {
    const outputs = n.copy(g, attributes);
    return [...outputs, outputs[0]!];
  }
  const inputs = n.inputs.map((input) => input && asPlane(g, input));
  const [y, ...others] = n.shapes;
  if (others.length > 0) throw n.refusal('of 3 axes that gives indices is not supported');
  const image = g.node(n.node.op, inputs, planeOf(y!.dims), attributes);
  return [g.reshape(image, y!.dims), image];
}

/**
 * The attributes of a node that slides a window over [N, C, H, W], with all that has a default or that `auto_pad`
 * decides given: `kernel_shape`, `strides`, `dilations` and `pads`. Over [N, C, L] they are those over [N, C, 1, L].
 * @param sizes of the window
 * @throws UserError for other than one or two spatial axes
 */
export function explicitWindow(n: TrainedNode, sizes: readonly number[]): Record<string, Attribute> {
  const axes = n.x.dims.length;
  if (axes !== 4 && axes !== 3) throw n.refusal(`of ${axes} axes is not supported, only of 3 or 4`);
  const { strides, dilations, pads } = movesOf(n, sizes);
  const { auto_pad: _, ...attributes } = n.node.attributes;
  return {
    ...attributes,
    kernel_shape: ints(plane(sizes)),
    strides: ints(plane(strides)),
    dilations: ints(plane(dilations)),
    pads: ints(pads.length === 2 ? [0, pads[0]!, 0, pads[1]!] : pads),
  };
}

/**
 * How a node slides a window over any number of spatial axes, with all that has a default or that `auto_pad` decides.
 * @param sizes of the window
 * @returns pads before all axes, then those after them
 */
export function movesOf(
  { node, x, shapes }: TrainedNode,
  sizes: readonly number[],
): { strides: number[]; dilations: number[]; pads: number[] } {
  const each = (name: string): number[] =>
    intsAttribute(
      node,
      name,
      sizes.map(() => 1),
    );
  const [strides, dilations] = [each('strides'), each('dilations')];
  const rule = autoPadOf(node);
  const none = sizes.flatMap(() => [0, 0]);
  if (rule === 'NOTSET') return { strides, dilations, pads: intsAttribute(node, 'pads', none) };
  if (rule === 'VALID') return { strides, dilations, pads: none };
  const total = sizes.map((size, axis) => {
    const extent = dilations[axis]! * (size - 1) + 1;
    const read = (shapes[0]!.dims[axis + 2]! - 1) * strides[axis]! + extent;
    return Math.max(0, read - x.dims[axis + 2]!);
  });
  const fewer = total.map((pad) => Math.floor(pad / 2));
  const more = total.map((pad, axis) => pad - fewer[axis]!);
  return { strides, dilations, pads: rule === 'SAME_LOWER' ? [...more, ...fewer] : [...fewer, ...more] };
}

export const autoPadOf = ({ attributes: { auto_pad: given } }: GraphNode): string =>
  given?.type === 'string' ? given.value : 'NOTSET';

/** Windows over an image, [rows, columns]. */
export interface Windows {
  kernel: readonly number[];
  strides: readonly number[];
  dilations: readonly number[];
  /** Padding in front. */
  before: readonly number[];
  /** Size of the image. */
  image: readonly number[];
  group: number;
}

/**
 * The windows that a node slides over an image of one axis or two, which that of one axis is one pixel high.
 * @param before the padding in front; default: as the node says
 */
export function windowsOf(
  n: TrainedNode,
  sizes: readonly number[],
  image: readonly number[],
  group: number,
  before?: readonly number[],
): Windows {
  const axes = sizes.length + 2;
  if (axes !== 4 && axes !== 3) throw n.refusal(`of ${axes} axes is not supported, only of 3 or 4`);
  const { strides, dilations, pads } = movesOf(n, sizes);
  return {
    kernel: plane(sizes),
    strides: plane(strides),
    dilations: plane(dilations),
    before: plane(before ?? pads.slice(0, sizes.length), 0),
    image: plane(image),
    group,
  };
}

/**
 * Multiplies each pixel of x by a filter and adds what that gives to the image's pixels of its window: a convolution, with
 * the filter turned, of the pixels with zeros between them.
 * @param x [batch, in, H, W]
 * @param weight [in, out / group, kernel]
 */
export function addWindows(
  g: TrainingGraphBuilder,
  x: Value,
  weight: Value,
  { kernel, strides, dilations, before, image, group }: Windows,
  bias?: Value,
): Value {
  const [batch, channels, ...size] = x.dims as [number, number, number, number];
  const rows = g.reshape(x, [batch * channels * size[0], 1, size[1], 1]);
  const spread = g.pad(rows, [0, 0, 0, 0], [0, strides[0]! - 1, 0, strides[1]! - 1]);
  const apart = size.map((pixels, axis) => pixels * strides[axis]!);
  const first = kernel.map((taps, axis) => dilations[axis]! * (taps - 1) - before[axis]!);
  const last = image.map((pixels, axis) => pixels + before[axis]! - apart[axis]!);
  const padded = g.pad(g.reshape(spread, [batch, channels, ...apart]), [0, 0, ...first], [0, 0, ...last]);
  const attributes = { kernel_shape: ints(kernel), dilations: ints(dilations), group: int(group) };
  const inputs = [padded, turned(g, weight, group), bias];
  return g.node('Conv', inputs, [batch, weight.dims[1]! * group, ...image], attributes);
}

/**
 * The convolution whose input's gradient {@link addWindows} is.
 * @param image [batch, out, image]
 * @param dims [batch, in, H, W]
 * @returns its output, what of the image it read, and its attributes
 */
export function readWindows(
  g: TrainingGraphBuilder,
  image: Value,
  weight: Value,
  { kernel, strides, dilations, before, image: size, group }: Windows,
  dims: readonly number[],
): { dx: Value; read: Value; attributes: Record<string, Attribute> } {
  // So that there are as many windows as pixels of x; below 0, pixels that no window reads.
  const after = size.map((pixels, axis) => {
    const extent = dilations[axis]! * (kernel[axis]! - 1) + 1;
    return (dims[axis + 2]! - 1) * strides[axis]! + extent - before[axis]! - pixels;
  });
  const unread = after.map((pixels) => Math.min(0, pixels));
  const read = g.pad(image, [0, 0, 0, 0], [0, 0, ...unread]);
  const attributes = {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    group: int(group),
    pads: ints([...before, ...after.map((pixels) => Math.max(0, pixels))]),
  };
  return { dx: g.node('Conv', [read, weight], dims, attributes), read, attributes };
}

/** The filter [in, out / group, H, W] of a transposed convolution as that of a convolution: [out, in / group, H, W], turned by 180 degrees. */
function turned(g: TrainingGraphBuilder, weight: Value, group: number): Value {
  const [inC, outC, height, width] = weight.dims as [number, number, number, number];
  const grouped = g.reshape(weight, [group, inC / group, outC, height, width]);
  const swapped = g.transpose(grouped, [0, 2, 1, 3, 4]);
  const filter = g.reshape(swapped, [group * outC, inC / group, height, width]);
  return g.slice(g.slice(filter, 2, height - 1, -1, -1), 3, width - 1, -1, -1);
}
