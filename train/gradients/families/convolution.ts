import { type Attribute, int, intAttribute, ints, intsAttribute, str } from '../../../core/onnx/graph.ts';
import type { Rule, TrainedNode } from '../rule.ts';
import { TRAINING, type TrainingGraphBuilder, type Value } from '../training-graph.ts';
import { asPlane, explicitWindow, plane, planeOf, slide } from './window.ts';

export const CONVOLUTION: Readonly<Record<string, Rule>> = {
  /** https://onnx.ai/onnx/operators/onnx__Conv.html One or two spatial axes; its padding becomes explicit. */
  Conv: {
    forward: (g, n) => slide(g, n, explicitWindow(n, n.inputs[1]!.dims.slice(2))),
    backward(g, n, [dy]) {
      const inputs = n.inputs.map((input) => input && asPlane(g, input));
      const [x, weight] = inputs;
      const dims = inputs.map((input, i) => (n.needs(i) ? input?.dims : undefined));
      const attributes = { ...explicitWindow(n, n.inputs[1]!.dims.slice(2)), of: str(n.outputs[1]!.name) };
      const gradients = g.nodes('ConvGrad', [asPlane(g, dy!), x, weight], dims, attributes, {
        domain: TRAINING,
      });
      return gradients.map((gradient, i) => gradient && g.reshape(gradient, n.inputs[i]!.dims));
    },
  },
  /**
   * https://onnx.ai/onnx/operators/onnx__ConvTranspose.html One or two spatial axes. Forwards a convolution, with the filter
   * turned, of the pixels with zeros between them; backwards the convolution whose input's gradient it is.
   */
  ConvTranspose: {
    forward(g, n) {
      const { kernel, strides, dilations, before, output, group } = transposed(n);
      const [x, weight] = [asPlane(g, n.x), asPlane(g, n.inputs[1]!)];
      const [batch, channels, ...size] = x.dims as [number, number, number, number];
      const rows = g.reshape(x, [batch * channels * size[0], 1, size[1], 1]);
      const spread = g.pad(rows, [0, 0, 0, 0], [0, strides[0]! - 1, 0, strides[1]! - 1]);
      const apart = size.map((pixels, axis) => pixels * strides[axis]!);
      const first = kernel.map((taps, axis) => dilations[axis]! * (taps - 1) - before[axis]!);
      const last = output.map((pixels, axis) => pixels + before[axis]! - apart[axis]!);
      const image = g.reshape(spread, [batch, channels, ...apart]);
      const padded = g.pad(image, [0, 0, ...first], [0, 0, ...last]);
      const inputs = [padded, turned(g, weight, group), n.inputs[2]];
      const dims = [batch, planeOf(n.shapes[0]!.dims)[1]!, ...output];
      const attributes = { kernel_shape: ints(kernel), dilations: ints(dilations), group: int(group) };
      return [g.reshape(g.node('Conv', inputs, dims, attributes), n.shapes[0]!.dims)];
    },
    backward(g, n, [dy]) {
      const { kernel, strides, dilations, before, output, group } = transposed(n);
      const [x, weight] = [asPlane(g, n.x), asPlane(g, n.inputs[1]!)];
      // Padding after the last pixel, so that there are as many windows as the input has pixels; below 0, pixels that none reads.
      const after = output.map((pixels, axis) => {
        const extent = dilations[axis]! * (kernel[axis]! - 1) + 1;
        return (x.dims[axis + 2]! - 1) * strides[axis]! + extent - before[axis]! - pixels;
      });
      const unread = after.map((pixels) => Math.min(0, pixels));
      const read = g.pad(asPlane(g, dy!), [0, 0, 0, 0], [0, 0, ...unread]);
      const attributes: Record<string, Attribute> = {
        kernel_shape: ints(kernel),
        strides: ints(strides),
        dilations: ints(dilations),
        group: int(group),
        pads: ints([...before, ...after.map((pixels) => Math.max(0, pixels))]),
      };
      const dx = g.node('Conv', [read, weight], x.dims, attributes);
      const [, dw] = n.needs(1)
        ? g.nodes(
            'ConvGrad',
            [x, read, weight],
            [undefined, weight.dims, undefined],
            { ...attributes, of: str(dx.name) },
            { domain: TRAINING },
          )
        : [];
      return [
        n.needs(0) ? g.reshape(dx, n.x.dims) : undefined,
        dw && g.reshape(dw, n.inputs[1]!.dims),
        n.needs(2) ? g.reduceSum(asPlane(g, dy!), [0, 2, 3]) : undefined,
      ];
    },
  },
};

/** How a transposed convolution moves over images; over [N, C, L] as over those of one pixel's height. */
function transposed(n: TrainedNode) {
  const axes = n.x.dims.length;
  if (axes !== 4 && axes !== 3) throw n.refusal(`of ${axes} axes is not supported, only of 3 or 4`);
  const { node } = n;
  const sizes = n.inputs[1]!.dims.slice(2);
  const list = (name: string, fallback: number) =>
    intsAttribute(
      node,
      name,
      sizes.map(() => fallback),
    );
  const strides = list('strides', 1);
  const dilations = list('dilations', 1);
  const more = list('output_padding', 0);
  const output = n.shapes[0]!.dims.slice(2);
  const autoPad = node.attributes.auto_pad?.type === 'string' ? node.attributes.auto_pad.value : 'NOTSET';
  // Of an odd number of pixels to cut, the one more is cut at the end for SAME_UPPER and at the start for all others.
  const half = autoPad === 'SAME_UPPER' ? Math.floor : Math.ceil;
  const decided = autoPad.startsWith('SAME') || node.attributes.output_shape !== undefined;
  const given = intsAttribute(node, 'pads', []);
  const before = sizes.map((taps, axis) => {
    if (!decided) return autoPad === 'VALID' ? 0 : (given[axis] ?? 0);
    const natural =
      (n.x.dims[axis + 2]! - 1) * strides[axis]! + dilations[axis]! * (taps - 1) + 1 + more[axis]!;
    return half(Math.max(0, natural - output[axis]!) / 2);
  });
  return {
    kernel: plane(sizes),
    strides: plane(strides),
    dilations: plane(dilations),
    before: plane(before, 0),
    output: plane(output),
    group: intAttribute(node, 'group', 1),
  };
}

/** The filter [in, out / group, H, W] of a transposed convolution as that of a convolution: [out, in / group, H, W], turned by 180 degrees. */
function turned(g: TrainingGraphBuilder, weight: Value, group: number): Value {
  const [inC, outC, height, width] = weight.dims as [number, number, number, number];
  const grouped = g.reshape(weight, [group, inC / group, outC, height, width]);
  const swapped = g.transpose(grouped, [0, 2, 1, 3, 4]);
  const filter = g.reshape(swapped, [group * outC, inC / group, height, width]);
  return g.slice(g.slice(filter, 2, height - 1, -1, -1), 3, width - 1, -1, -1);
}
