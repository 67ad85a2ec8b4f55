import { UserError } from '../../../core/errors.ts';
import { type GraphNode, intAttribute, intsAttribute } from '../../../core/onnx/graph.ts';

/** How the window of a convolution or a pool moves along an axis. */
export interface Window {
  /** Of the image. */
  size: number;
  kernel: number;
  stride: number;
  dilation: number;
  /** Padding at the beginning and the end. */
  before: number;
  after: number;
  /** How many places it stops at. */
  count: number;
}

/**
 * A node's windows by its `strides`, `dilations`, `pads` or `auto_pad`, and `ceil_mode`; the formulas are those of the
 * ONNX operator reference (https://onnx.ai/onnx/operators/onnx__MaxPool.html).
 * @param size [H, W]
 */
export function readWindows(
  node: GraphNode,
  size: readonly [number, number],
  kernel: readonly number[],
): [Window, Window] {
  if (size.some((length) => length === undefined)) {
    throw new UserError(`${node.name}: ${node.op} is trained with TensorFlow.js on images of two axes only`);
  }
  const strides = intsAttribute(node, 'strides', [1, 1]);
  const dilations = intsAttribute(node, 'dilations', [1, 1]);
  const pads = intsAttribute(node, 'pads', [0, 0, 0, 0]);
  const autoPad = node.attributes.auto_pad?.type === 'string' ? node.attributes.auto_pad.value : 'NOTSET';
  const isCeil = intAttribute(node, 'ceil_mode', 0) === 1;
  const windows = [0, 1].map((axis): Window => {
    const [length, stride, dilation] = [size[axis]!, strides[axis]!, dilations[axis]!];
    const extent = dilation * (kernel[axis]! - 1) + 1;
    let [before, after] = autoPad === 'VALID' ? [0, 0] : [pads[axis]!, pads[axis + 2]!];
    if (autoPad.startsWith('SAME')) {
      const needed = Math.max(0, (Math.ceil(length / stride) - 1) * stride + extent - length);
      before = autoPad === 'SAME_UPPER' ? Math.floor(needed / 2) : Math.ceil(needed / 2);
      after = needed - before;
    }
    const places = (length + before + after - extent) / stride + 1;
    let count = isCeil ? Math.ceil(places) : Math.floor(places);
    // A window that would start in the padding at the end is left out.
    if (isCeil && (count - 1) * stride >= length + before) count--;
    return { size: length, kernel: kernel[axis]!, stride, dilation, before, after, count };
  });
  return windows as [Window, Window];
}
