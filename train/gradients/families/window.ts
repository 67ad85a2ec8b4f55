import { type Attribute, ints, intsAttribute } from '../../../core/onnx/graph.ts';
import type { TrainedNode } from '../rule.ts';
import type { TrainingGraphBuilder, Value } from '../training-graph.ts';

/** [N, C, L] as [N, C, 1, L], and a filter [out, in, K] likewise. */
export const asPlane = (g: TrainingGraphBuilder, value: Value): Value =>
  value.dims.length === 3 ? g.reshape(value, planeOf(value.dims)) : value;

const planeOf = ([n, c, ...rest]: readonly number[]): number[] => [n!, c!, ...plane(rest)];

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
  const dims = planeOf(n.x.dims);
  const kernel = plane(sizes);
  const ones = sizes.map(() => 1);
  const output = planeOf(n.shapes[0]!.dims);
  const strides = plane(intsAttribute(n.node, 'strides', ones));
  const dilations = plane(intsAttribute(n.node, 'dilations', ones));
  const { auto_pad: autoPad, ...attributes } = n.node.attributes;
  const rule = autoPad?.type === 'string' ? autoPad.value : 'NOTSET';
  const given = intsAttribute(n.node, 'pads', [0, 0, 0, 0]);
  let pads = given.length === 2 ? [0, given[0]!, 0, given[1]!] : given;
  if (rule !== 'NOTSET') {
    const total = [0, 1].map((axis) => {
      const extent = dilations[axis]! * (kernel[axis]! - 1) + 1;
      const read = (output[axis + 2]! - 1) * strides[axis]! + extent;
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
