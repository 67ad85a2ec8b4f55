import { type Dim, intsAttribute } from '../graph.ts';
import type { RuleContext } from './rule.ts';

export interface WindowOptions {
  /** Sizes of the window in each spatial dimension. */
  kernel: readonly number[];
  /** Round a last, partial window up instead of dropping it (pooling's `ceil_mode`). */
  ceil?: boolean;
}

/**
 * The spatial sizes after sliding a window over an input: by the node's `strides`, `dilations`, and `pads` or
 * `auto_pad`. The formulas are those of the Conv and MaxPool pages of the ONNX operator reference
 * (https://onnx.ai/onnx/operators/onnx__MaxPool.html).
 * @param spatial the input's spatial dimensions
 * @throws UserError if an attribute has the wrong length, or the window is larger than the padded input
 */
export function slideWindow(context: RuleContext, spatial: readonly Dim[], options: WindowOptions): Dim[] {
  const { node } = context;
  const rank = spatial.length;
  const list = (name: string, length: number, fallback: number): number[] => {
    const values = intsAttribute(node, name, Array<number>(length).fill(fallback));
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
  return spatial.map((size, axis): Dim => {
    const stride = strides[axis]!;
    const extent = dilations[axis]! * (options.kernel[axis]! - 1) + 1;
    if (autoPad === 'SAME') {
      if (typeof size === 'number') return Math.ceil(size / stride);
      return stride === 1 ? size : context.unknown(axis + 2);
    }
    const before = autoPad === 'VALID' ? 0 : pads[axis]!;
    const padded = before + (autoPad === 'VALID' ? 0 : pads[axis + rank]!);
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

function padding({ node, error }: RuleContext): 'NOTSET' | 'VALID' | 'SAME' {
  const attribute = node.attributes.auto_pad;
  const value = attribute?.type === 'string' ? attribute.value : 'NOTSET';
  if (value === 'NOTSET' || value === 'VALID') return value;
  if (value === 'SAME_UPPER' || value === 'SAME_LOWER') return 'SAME';
  throw error(`auto_pad "${value}" is unknown`);
}
