import { type Dim, intsAttribute } from '../graph.ts';
import { product, type ShapeContext } from './operator.ts';

/** The attributes of all that slides a window. */
export const WINDOW_ATTRIBUTES = ['auto_pad', 'dilations', 'kernel_shape', 'pads', 'strides'] as const;

export interface WindowOptions {
  /** Sizes of the window in each spatial dimension. */
  kernel: readonly number[];
  /** Round a last, partial window up instead of dropping it (pooling's `ceil_mode`). */
  ceil?: boolean;
}

/** How a node's window moves in each spatial dimension. */
export interface Window {
  stride: number;
  /** What the window spans, its dilation included. */
  extent: number;
  before: number;
  after: number;
}

/** The windows of a node by its `strides`, `dilations` and `pads`, and how it pads by itself. */
export function windowsOf(
  context: ShapeContext,
  kernel: readonly number[],
): { windows: Window[]; autoPad: 'NOTSET' | 'VALID' | 'SAME' } {
  const rank = kernel.length;
  const list = (name: string, length: number, fallback: number): number[] => {
    const values = intsAttribute(context.node, name, Array<number>(length).fill(fallback));
    const least = name === 'pads' ? 0 : 1;
    if (values.length !== length || values.some((value) => value < least)) {
      throw context.error(`its ${name} are [${values}], they must be ${length} numbers from ${least}`);
    }
    return values;
  };
  const strides = list('strides', rank, 1);
  const dilations = list('dilations', rank, 1);
  const pads = list('pads', 2 * rank, 0);
  const autoPad = padding(context);
  const padded = autoPad === 'NOTSET';
  const windows = kernel.map((size, axis) => ({
    stride: strides[axis]!,
    extent: dilations[axis]! * (size - 1) + 1,
    before: padded ? pads[axis]! : 0,
    after: padded ? pads[axis + rank]! : 0,
  }));
  return { windows, autoPad };
}

/**
 * The spatial sizes after sliding a window over an input: by the node's `strides`, `dilations`, and `pads` or
 * `auto_pad`. The formulas are those of the Conv and MaxPool pages of the ONNX operator reference
 * (https://onnx.ai/onnx/operators/onnx__MaxPool.html).
 * @param spatial the input's spatial dimensions
 * @throws UserError if an attribute has the wrong length, or the window is larger than the padded input
 */
export function slideWindow(context: ShapeContext, spatial: readonly Dim[], options: WindowOptions): Dim[] {
  const { windows, autoPad } = windowsOf(context, options.kernel);
  return spatial.map((size, axis): Dim => {
    const { stride, extent, before, after } = windows[axis]!;
    if (autoPad === 'SAME') {
      if (typeof size === 'number') return Math.ceil(size / stride);
      return stride === 1 ? size : context.unknown(axis + 2);
    }
    const padded = before + after;
    if (typeof size === 'string') {
      return stride === 1 && padded === extent - 1 ? size : context.unknown(axis + 2);
    }
    const room = size + padded - extent;
    if (room < 0) {
      throw context.error(
        `its window spans ${extent} where spatial dimension ${axis} has ${size + padded}, padding included`,
      );
    }
    if (!options.ceil) return Math.floor(room / stride) + 1;
    const count = Math.ceil(room / stride) + 1;
    // A window that would start in the padding at the end is left out.
    return (count - 1) * stride >= size + before ? count - 1 : count;
  });
}

/**
 * The spatial sizes that a window slid the other way gives, as a transposed convolution does: by `output_padding`, or
 * as `output_shape` says (https://onnx.ai/onnx/operators/onnx__ConvTranspose.html).
 */
export function slideWindowBack(
  context: ShapeContext,
  spatial: readonly Dim[],
  kernel: readonly number[],
): Dim[] {
  const { node } = context;
  const { windows, autoPad } = windowsOf(context, kernel);
  const given = intsAttribute(node, 'output_shape', []).slice(-spatial.length);
  const more = intsAttribute(node, 'output_padding', []);
  return spatial.map((size, axis): Dim => {
    const asked = given[axis];
    if (asked !== undefined) return asked;
    const { stride, extent, before, after } = windows[axis]!;
    const added = (more[axis] ?? 0) + extent - before - after - stride;
    // Padding to the same size adds nothing where the window is smaller than its stride.
    const change = autoPad === 'SAME' ? Math.min(0, added) : added;
    if (typeof size === 'number') return size * stride + change;
    return (change === 0 ? product([size, stride]) : undefined) ?? context.unknown(axis + 2);
  });
}

function padding({ node, error }: ShapeContext): 'NOTSET' | 'VALID' | 'SAME' {
  const attribute = node.attributes.auto_pad;
  const value = attribute?.type === 'string' ? attribute.value : 'NOTSET';
  if (value === 'NOTSET' || value === 'VALID') return value;
  if (value === 'SAME_UPPER' || value === 'SAME_LOWER') return 'SAME';
  throw error(`auto_pad "${value}" is unknown`);
}
