import { int, intAttribute, ints, intsAttribute, str } from '../../../core/onnx/graph.ts';
import type { Rule, TrainedNode } from '../rule.ts';
import { TRAINING, type TrainingGraphBuilder, type Value } from '../training-graph.ts';
import {
  addWindows,
  asPlane,
  autoPadOf,
  explicitWindow,
  movesOf,
  plane,
  readWindows,
  slide,
  type Windows,
  windowsOf,
} from './window.ts';

export const CONVOLUTION: Readonly<Record<string, Rule>> = {
  /** https://onnx.ai/onnx/operators/onnx__Conv.html One to three spatial axes; its padding becomes explicit. */
  Conv: {
    forward: (g, n) =>
      n.x.dims.length === 5 ? overVolume(g, n) : slide(g, n, explicitWindow(n, n.inputs[1]!.dims.slice(2))),
    backward(g, n, [dy]) {
      if (n.x.dims.length === 5) return overVolumeGrad(g, n, dy!);
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
  /** https://onnx.ai/onnx/operators/onnx__ConvTranspose.html One or two spatial axes. */
  ConvTranspose: {
    forward(g, n) {
      const [y] = n.shapes;
      const image = addWindows(g, asPlane(g, n.x), asPlane(g, n.inputs[1]!), transposed(n), n.inputs[2]);
      return [g.reshape(image, y!.dims)];
    },
    backward(g, n, [dy]) {
      const [x, weight, gradient] = [n.x, n.inputs[1]!, dy!].map((value) => asPlane(g, value));
      const { dx, read, attributes } = readWindows(g, gradient!, weight!, transposed(n), x!.dims);
      const [, dw] = n.needs(1)
        ? g.nodes(
            'ConvGrad',
            [x, read, weight],
            [undefined, weight!.dims, undefined],
            { ...attributes, of: str(dx.name) },
            { domain: TRAINING },
          )
        : [];
      return [
        n.needs(0) ? g.reshape(dx, n.x.dims) : undefined,
        dw && g.reshape(dw, n.inputs[1]!.dims),
        n.needs(2) ? g.reduceSum(gradient!, [0, 2, 3]) : undefined,
      ];
    },
  },
  /**
   * https://onnx.ai/onnx/operators/onnx__Col2Im.html Over two axes, or one: a transposed convolution whose filters have a one
   * each, where a channel of the blocks belongs.
   */
  Col2Im: {
    forward(g, n) {
      const { windows, dims } = blocks(n);
      const channels = dims[1]!;
      const taps = channels / windows.group;
      const ones = new Float32Array(channels * taps);
      for (let channel = 0; channel < channels; channel++) ones[channel * taps + (channel % taps)] = 1;
      const filters = g.table('col2im', [channels, 1, ...windows.kernel], ones);
      const image = addWindows(g, g.reshape(n.x, dims), filters, windows);
      return [g.reshape(image, n.shapes[0]!.dims), filters];
    },
    backward(g, n, [dy]) {
      const { windows, dims } = blocks(n);
      return [g.reshape(readWindows(g, asPlane(g, dy!), n.outputs[1]!, windows, dims).dx, n.x.dims)];
    },
  },
};

/**
 * A convolution over [N, C, D, H, W] as one over [N * D', C * taps in depth, H, W]: what each tap in depth reads lies side
 * by side as channels.
 * @returns the output, and those images before and after
 */
function overVolume(g: TrainingGraphBuilder, n: TrainedNode): Value[] {
  const { depth, attributes, shape } = volume(n);
  const [batch, channels, , height, width] = n.x.dims as [number, number, number, number, number];
  const after = depth.read - n.x.dims[2]! - depth.before;
  const whole = g.pad(n.x, [0, 0, depth.before, 0, 0], [0, 0, after, 0, 0]);
  const taps = Array.from({ length: depth.taps }, (_, tap) => {
    const first = tap * depth.dilation;
    const read = g.slice(whole, 2, first, first + depth.places * depth.stride, depth.stride);
    return g.reshape(read, [batch, channels, 1, depth.places, height, width]);
  });
  const stacked = g.transpose(g.concat(taps, 2), [0, 3, 1, 2, 4, 5]);
  const image = g.reshape(stacked, [batch * depth.places, channels * depth.taps, height, width]);
  const [, filters, , rows, columns] = shape as [number, number, number, number, number];
  const inputs = [image, asFilter(g, n.inputs[1]!), n.inputs[2]];
  const y = g.node('Conv', inputs, [batch * depth.places, filters, rows, columns], attributes);
  const apart = g.reshape(y, [batch, depth.places, filters, rows, columns]);
  return [g.transpose(apart, [0, 2, 1, 3, 4]), image, y];
}

function overVolumeGrad(g: TrainingGraphBuilder, n: TrainedNode, dy: Value): (Value | undefined)[] {
  const { depth, attributes } = volume(n);
  const [, image, y] = n.outputs as [Value, Value, Value];
  const gradient = g.reshape(g.transpose(dy, [0, 2, 1, 3, 4]), y.dims);
  const weight = asFilter(g, n.inputs[1]!);
  const dims = [image, weight, n.inputs[2]].map((input, i) => (n.needs(i) ? input?.dims : undefined));
  const [dImage, dWeight, dBias] = g.nodes(
    'ConvGrad',
    [gradient, image, weight],
    dims,
    { ...attributes, of: str(y.name) },
    { domain: TRAINING },
  );
  const [batch, channels, size, height, width] = n.x.dims as [number, number, number, number, number];
  const taps = (stacked: Value): Value[] => {
    const apart = g.reshape(stacked, [batch, depth.places, channels, depth.taps, height * width]);
    return Array.from({ length: depth.taps }, (_, tap) => {
      const one = g.transpose(g.slice(apart, 3, tap, tap + 1), [0, 2, 1, 3, 4]);
      const rows = g.reshape(one, [batch * channels, depth.places, 1, height * width]);
      const spread = g.pad(rows, [0, 0, 0, 0], [0, 0, depth.stride - 1, 0]);
      const places = g.reshape(spread, [batch, channels, depth.places * depth.stride, height, width]);
      const before = tap * depth.dilation;
      const after = depth.read - before - depth.places * depth.stride;
      return g.pad(places, [0, 0, before, 0, 0], [0, 0, after, 0, 0]);
    });
  };
  const [before, after] = [-depth.before, size + depth.before - depth.read];
  const dx = dImage && g.pad(taps(dImage).reduce(g.add), [0, 0, before, 0, 0], [0, 0, after, 0, 0]);
  return [dx, dWeight && g.reshape(dWeight, n.inputs[1]!.dims), dBias];
}

/** [out, in / group, D, H, W] as [out, in / group * D, H, W]. */
function asFilter(g: TrainingGraphBuilder, weight: Value): Value {
  const [filters, channels, depth, ...kernel] = weight.dims as [number, number, number, number, number];
  return g.reshape(weight, [filters, channels * depth, ...kernel]);
}

/** How a convolution over [N, C, D, H, W] moves in depth, and as attributes over the other two axes. */
function volume(n: TrainedNode) {
  const kernel = n.inputs[1]!.dims.slice(2);
  const { strides, dilations, pads } = movesOf(n, kernel);
  const attributes = {
    group: int(intAttribute(n.node, 'group', 1)),
    kernel_shape: ints(kernel.slice(1)),
    strides: ints(strides.slice(1)),
    dilations: ints(dilations.slice(1)),
    pads: ints([...pads.slice(1, 3), ...pads.slice(4)]),
  };
  const shape = n.shapes[0]!.dims;
  const [taps, stride, dilation] = [kernel[0]!, strides[0]!, dilations[0]!];
  const places = shape[2]!;
  // With what the last of its strides skips.
  const read = places * stride + (taps - 1) * dilation;
  return { depth: { taps, stride, dilation, before: pads[0]!, places, read }, attributes, shape };
}

/** The windows of a Col2Im, and its columns' shape as [batch, channels of the blocks, rows, columns]. */
function blocks(n: TrainedNode): { windows: Windows; dims: number[] } {
  const [image, block] = [n.numbers(1)!, n.numbers(2)!];
  if (block.length > 2) throw n.refusal(`over ${block.length} axes is not supported, only over 1 or 2`);
  const windows = windowsOf(n, block, image, n.shapes[0]!.dims[1]!);
  const { strides, dilations, pads } = movesOf(n, block);
  const size = block.map((taps, axis) => {
    const room = image[axis]! + pads[axis]! + pads[axis + block.length]! - dilations[axis]! * (taps - 1) - 1;
    return Math.floor(room / strides[axis]!) + 1;
  });
  const [batch, channels] = n.x.dims as [number, number];
  return { windows, dims: [batch, channels, ...plane(size)] };
}

/** How a transposed convolution moves over images; over [N, C, L] as over those of one pixel's height. */
function transposed(n: TrainedNode): Windows {
  const { node } = n;
  const sizes = n.inputs[1]!.dims.slice(2);
  const { strides, dilations, pads } = movesOf(n, sizes);
  const more = intsAttribute(
    node,
    'output_padding',
    sizes.map(() => 0),
  );
  const output = n.shapes[0]!.dims.slice(2);
  const autoPad = autoPadOf(node);
  // Of an odd number of pixels to cut, the one more is cut at the end for SAME_UPPER and at the start for all others.
  const half = autoPad === 'SAME_UPPER' ? Math.floor : Math.ceil;
  const decided = autoPad.startsWith('SAME') || node.attributes.output_shape !== undefined;
  const before = sizes.map((taps, axis) => {
    if (!decided) return pads[axis]!;
    const natural =
      (n.x.dims[axis + 2]! - 1) * strides[axis]! + dilations[axis]! * (taps - 1) + 1 + more[axis]!;
    return half(Math.max(0, natural - output[axis]!) / 2);
  });
  return windowsOf(n, sizes, output, intAttribute(node, 'group', 1), before);
}
