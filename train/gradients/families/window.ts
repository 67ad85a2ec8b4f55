import { type Attribute, ints, intsAttribute } from '../../../core/onnx/graph.ts';
import type { TrainedNode } from '../rule.ts';

/**
 * The attributes of a node that slides a window over [N, C, H, W], with all that has a default or that `auto_pad`
 * decides given: `kernel_shape`, `strides`, `dilations` and `pads`.
 * @param kernel sizes of the window
 * @throws UserError for other than two spatial axes
 */
export function explicitWindow(n: TrainedNode, kernel: readonly number[]): Record<string, Attribute> {
  const { dims } = n.x;
  if (dims.length !== 4) throw n.refusal(`of ${dims.length} axes is not supported, only of 4`);
  const strides = intsAttribute(n.node, 'strides', [1, 1]);
  const dilations = intsAttribute(n.node, 'dilations', [1, 1]);
  const { auto_pad: autoPad, ...attributes } = n.node.attributes;
  const rule = autoPad?.type === 'string' ? autoPad.value : 'NOTSET';
  let pads = intsAttribute(n.node, 'pads', [0, 0, 0, 0]);
  if (rule !== 'NOTSET') {
    const total = [0, 1].map((axis) => {
      const extent = dilations[axis]! * (kernel[axis]! - 1) + 1;
      const read = (n.shapes[0]!.dims[axis + 2]! - 1) * strides[axis]! + extent;
      return rule === 'VALID' ? 0 : Math.max(0, read - dims[axis + 2]!);
    });
    const fewer = total.map((pad) => Math.floor(pad / 2));
    const more = total.map((pad, axis) => pad - fewer[axis]!);
    pads = rule === 'SAME_LOWER' ? [...more, ...fewer] : [...fewer, ...more];
  }
  return {
    ...attributes,
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints(pads),
  };
}
