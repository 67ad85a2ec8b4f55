import { type Attribute, int, ints, str } from '../../../core/onnx/graph.ts';
import type { CaseNet, ConvOptions } from './case-net.ts';

const ONE_AXIS = { kernel_shape: ints([3]), strides: ints([2]), pads: ints([1, 1]) };

export interface GradientCase {
  name: string;
  build: (net: CaseNet) => void;
  /** What to differentiate by; default: every input and parameter. */
  wanted?: (net: CaseNet) => string[];
}

/**
 * One table an operator. 16 channels and 32 are a multiple of every NCHWc block there is; 3, 5, 7, 10 and 12
 * of none; 24 of 8 alone.
 */
export const GRADIENT_CASES: Readonly<Record<string, readonly GradientCase[]>> = {
  ConvTranspose: [
    turnedConv('3x3', [2, 16, 4, 5], [16, 16, 3, 3]),
    turnedConv('3x3, 5 to 7, with a bias', [2, 5, 4, 5], [5, 7, 3, 3], {}, true),
    turnedConv(
      '2x2 stride 2, as a decoder doubles its images',
      [2, 16, 3, 4],
      [16, 8, 2, 2],
      { strides: [2, 2] },
      true,
    ),
    turnedConv('4x4 stride 2, padded by 1', [2, 8, 3, 4], [8, 16, 4, 4], {
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    }),
    turnedConv('3x3 stride 2, one pixel more at the end', [2, 6, 3, 4], [6, 4, 3, 3], {
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      output_padding: [1, 1],
    }),
    turnedConv('2x2 stride 3, pixels that nothing reaches', [2, 4, 3, 3], [4, 6, 2, 2], {
      strides: [3, 3],
      output_padding: [2, 1],
    }),
    turnedConv(
      'groups',
      [2, 12, 3, 4],
      [12, 2, 3, 3],
      { group: 3, strides: [2, 1], pads: [1, 0, 0, 2] },
      true,
    ),
    turnedConv('depthwise, two filters a channel', [2, 6, 3, 4], [6, 2, 3, 3], { group: 6, strides: [2, 2] }),
    turnedConv('depthwise of 16 channels', [2, 16, 4, 4], [16, 1, 3, 3], { group: 16, pads: [1, 1, 1, 1] }),
    turnedConv('dilated', [2, 4, 4, 5], [4, 6, 3, 2], { dilations: [2, 3], pads: [1, 2, 0, 1] }),
    turnedConv('1x1', [2, 16, 4, 4], [16, 24, 1, 1]),
    turnedConv('1x1 stride 2', [2, 4, 3, 3], [4, 6, 1, 1], { strides: [2, 2] }),
    turnedConv('more padding than the filter reaches', [2, 4, 6, 6], [4, 4, 3, 3], { pads: [3, 2, 1, 3] }),
    turnedConv('of an asked size', [2, 4, 3, 4], [4, 6, 3, 3], { strides: [2, 2], output_shape: [6, 8] }),
    turnedConv(
      'padded of itself, more cut at the end',
      [2, 4, 3, 4],
      [4, 6, 3, 3],
      { strides: [2, 2] },
      false,
      'SAME_UPPER',
    ),
    turnedConv(
      'padded of itself, more cut at the start',
      [2, 4, 3, 4],
      [4, 6, 3, 3],
      { strides: [2, 2] },
      false,
      'SAME_LOWER',
    ),
    turnedConv('not padded', [2, 4, 3, 4], [4, 6, 3, 3], { strides: [2, 2] }, false, 'VALID'),
    turnedConv(
      'one axis',
      [2, 6, 5],
      [6, 4, 3],
      { strides: [2], pads: [1, 0], output_padding: [1], group: 2 },
      true,
    ),
    turnedConv('one axis, of an asked size', [2, 4, 5], [4, 4, 4], { strides: [2], output_shape: [11] }),
    onConv('of a blocked convolution, then another', (net, x) =>
      net.conv(
        net.relu(net.node('ConvTranspose', [x, net.weight([16, 16, 2, 2])], { strides: ints([2, 2]) })),
        16,
        3,
      ),
    ),
    {
      name: 'of weights alone that are trained',
      build: (net) =>
        net.output(net.node('ConvTranspose', [net.input([2, 4, 3, 3]), net.weight([4, 3, 2, 2])])),
      wanted: (net) => [...net.graph.initializers.keys()],
    },
  ],
  Conv: [
    onInput('three axes', [2, 3, 4, 5, 4], (net, x) =>
      net.node('Conv', [x, net.weight([4, 3, 3, 2, 3]), net.weight([4])], { pads: ints([1, 0, 1, 1, 1, 0]) }),
    ),
    onInput('three axes, strides, dilations, groups', [1, 4, 7, 5, 6], (net, x) =>
      net.node('Conv', [x, net.weight([6, 2, 2, 3, 2])], {
        group: int(2),
        strides: ints([2, 1, 2]),
        dilations: ints([2, 1, 2]),
        pads: ints([2, 1, 0, 0, 0, 1]),
      }),
    ),
    onInput('three axes, padded of itself', [2, 2, 4, 4, 3], (net, x) =>
      net.node('Conv', [x, net.weight([3, 2, 3, 3, 2])], {
        strides: ints([2, 1, 1]),
        auto_pad: str('SAME_UPPER'),
      }),
    ),
    onInput('three axes, a filter larger than the image', [2, 1, 2, 2, 3], (net, x) =>
      net.node('Conv', [x, net.weight([4, 1, 9, 9, 1])], { pads: ints([4, 4, 0, 4, 4, 0]) }),
    ),
    onInput('three axes, one pixel deep', [2, 1, 3, 5, 5], (net, x) =>
      net.node('Conv', [x, net.weight([4, 1, 1, 3, 3])], { pads: ints([0, 1, 1, 0, 1, 1]) }),
    ),
    onInput('one axis', [2, 6, 9], (net, x) =>
      net.node('Conv', [x, net.weight([4, 3, 3]), net.weight([4])], {
        group: int(2),
        strides: ints([2]),
        dilations: ints([2]),
        pads: ints([1, 2]),
      }),
    ),
    onInput('one axis, nothing but the kernel given', [2, 6, 9], (net, x) =>
      net.node('Conv', [x, net.weight([4, 6, 3])]),
    ),
    onInput('one axis, padded of itself', [2, 4, 9], (net, x) =>
      net.node('Conv', [x, net.weight([4, 4, 4])], { strides: ints([2]), auto_pad: str('SAME_LOWER') }),
    ),
    conv('3x3', [2, 16, 6, 5], 16, 3, { pads: 1 }),
    conv('3x3, large image', [1, 16, 9, 10], 16, 3, { pads: 1 }),
    conv('3x3, more channels out', [2, 16, 4, 4], 32, 3, { pads: 1 }),
    conv('3x3, fewer channels out', [2, 32, 4, 4], 16, 3, { pads: 1 }),
    conv('3x3, the stem: 3 to 16', [2, 3, 6, 6], 16, 3, { pads: 1 }),
    conv('3x3, 1 to 16', [2, 1, 5, 5], 16, 3, { pads: 1 }),
    conv('3x3, 12 to 16', [2, 12, 5, 5], 16, 3, { pads: 1 }),
    conv('3x3, 5 to 7', [2, 5, 5, 6], 7, 3, { pads: 1 }),
    conv('3x3, 16 to 10', [2, 16, 5, 5], 10, 3, { pads: 1 }),
    conv('3x3, 24 to 16', [2, 24, 4, 4], 16, 3, { pads: 1 }),
    conv('3x3, 16 to 24', [2, 16, 4, 4], 24, 3, { pads: 1 }),
    conv('1x1, 24 to 32', [2, 24, 4, 5], 32, 1, { bias: true }),
    conv('1x1, 32 to 24', [2, 32, 4, 5], 24, 1, { bias: true }),
    conv('1x1, 40 to 24', [2, 40, 4, 5], 24, 1, {}),
    conv('1x1, 24 to 32, stride 2', [2, 24, 4, 5], 32, 1, { stride: 2 }),
    conv('1x1, 30 to 32, no multiple of 4', [2, 30, 4, 5], 32, 1, {}),
    conv('3x3, the stem: 3 to 24', [2, 3, 6, 6], 24, 3, { pads: 1, stride: 2 }),
    conv('3x3, 24 to 40', [2, 24, 5, 5], 40, 3, { pads: 1, bias: true }),
    conv('3x3, rows of a block of pixels', [2, 16, 4, 16], 16, 3, { pads: 1 }),
    conv('3x3, rows of two blocks, more channels out', [2, 16, 3, 32], 32, 3, { pads: 1 }),
    conv('3x3, rows of a block, fewer channels out', [2, 32, 3, 16], 16, 3, { pads: 1 }),
    conv('3x3, rows of a block, two channel blocks', [3, 32, 2, 16], 32, 3, { pads: 1 }),
    conv('3x3, rows of two blocks, the stem', [2, 3, 4, 32], 16, 3, { pads: 1 }),
    conv('3x3, rows of a block, unpadded', [2, 16, 4, 16], 16, 3, {}),
    conv('3x3, rows of a block, asymmetric padding', [2, 16, 4, 16], 16, 3, { pads: [2, 0, 1, 2] }),
    conv('5x5, rows of a block', [2, 16, 4, 16], 16, 5, { pads: 2 }),
    conv('3x1, rows of a block', [2, 16, 3, 16], 16, [3, 1], { pads: [1, 0, 1, 0] }),
    conv('3x3 stride 2, even', [2, 16, 8, 6], 16, 3, { pads: 1, stride: 2 }),
    conv('3x3 stride 2, even, more channels out', [2, 16, 6, 6], 32, 3, { pads: 1, stride: 2 }),
    conv('3x3 stride 2, even, 5 to 16', [2, 5, 6, 6], 16, 3, { pads: 1, stride: 2 }),
    conv('3x3 stride 2, even, 12 to 7', [2, 12, 6, 6], 7, 3, { pads: 1, stride: 2 }),
    // Four times 4 channels fill a block where 4 do not.
    conv('3x3 stride 2, even, 4 to 16', [2, 4, 6, 6], 16, 3, { pads: 1, stride: 2 }),
    conv('3x3 stride 2, odd', [2, 16, 7, 5], 16, 3, { pads: 1, stride: 2 }),
    conv('3x3 stride 2, odd, 5 to 7', [2, 5, 5, 7], 7, 3, { pads: 1, stride: 2 }),
    conv('3x3 stride 2, even by odd', [2, 16, 6, 7], 16, 3, { pads: 1, stride: 2 }),
    conv('3x3 stride 2 on 2x2', [2, 16, 2, 2], 16, 3, { pads: 1, stride: 2 }),
    conv('1x1', [2, 16, 4, 5], 32, 1, {}),
    conv('1x1, 6 to 10', [2, 6, 4, 5], 10, 1, {}),
    conv('1x1 on one pixel', [3, 16, 1, 1], 16, 1, { bias: true }),
    conv('1x1 on one pixel, 16 to 4', [3, 16, 1, 1], 4, 1, { bias: true }),
    conv('1x1 on one pixel, 4 to 16', [3, 4, 1, 1], 16, 1, { bias: true }),
    conv('1x1, padded', [2, 16, 3, 3], 16, 1, { pads: 1 }),
    conv('1x1 stride 2, even', [2, 16, 6, 8], 32, 1, { stride: 2 }),
    conv('1x1 stride 2, odd', [2, 16, 7, 5], 32, 1, { stride: 2 }),
    conv('1x1 stride 2, odd, 6 to 10', [2, 6, 5, 7], 10, 1, { stride: 2 }),
    conv('1x1 stride 3', [2, 16, 8, 6], 16, 1, { stride: 3 }),
    conv('5x5', [2, 16, 6, 6], 16, 5, { pads: 2 }),
    conv('5x5, unpadded', [2, 16, 7, 6], 16, 5, {}),
    conv('5x5 stride 2', [2, 16, 8, 7], 16, 5, { pads: 2, stride: 2 }),
    conv('7x7 stride 2 padding 3', [2, 3, 12, 12], 16, 7, { pads: 3, stride: 2 }),
    conv('7x7 stride 2 padding 3, odd', [1, 3, 11, 9], 16, 7, { pads: 3, stride: 2 }),
    conv('asymmetric padding', [2, 16, 5, 5], 16, 3, { pads: [1, 0, 2, 1] }),
    conv('asymmetric padding, 5 to 7', [2, 5, 5, 5], 7, 3, { pads: [0, 2, 1, 0] }),
    conv('asymmetric padding, stride 2', [2, 16, 6, 6], 16, 3, { pads: [0, 0, 1, 1], stride: 2 }),
    conv('unpadded', [2, 16, 6, 5], 16, 3, {}),
    conv('unpadded, to one pixel', [4, 16, 3, 3], 16, 3, {}),
    conv('unpadded, stride 2, last row unread', [2, 16, 6, 6], 16, 3, { stride: 2 }),
    conv('padding wider than the kernel', [2, 16, 3, 3], 16, 2, { pads: 2 }),
    conv('even kernel', [2, 16, 5, 5], 16, 2, {}),
    conv('stride as wide as the kernel', [2, 16, 6, 6], 16, 2, { stride: 2 }),
    conv('stride wider than the kernel', [2, 16, 8, 8], 16, 2, { stride: 3 }),
    conv('3x1 kernel', [2, 16, 5, 4], 16, [3, 1], { pads: [1, 0, 1, 0] }),
    conv('1x3 kernel, 5 to 7', [2, 5, 4, 5], 7, [1, 3], { pads: [0, 1, 0, 1] }),
    conv('stride 2 by 1', [2, 16, 6, 6], 16, 3, { pads: 1, stride: [2, 1] }),
    conv('1x1 stride 1 by 2', [2, 16, 4, 6], 16, 1, { stride: [1, 2] }),
    conv('one image', [1, 16, 5, 5], 16, 3, { pads: 1 }),
    conv('bias', [2, 16, 4, 4], 16, 3, { pads: 1, bias: true }),
    conv('bias, 5 to 7', [2, 5, 4, 4], 7, 3, { pads: 1, bias: true }),
    conv('bias, stride 2', [2, 3, 6, 6], 16, 3, { pads: 1, stride: 2, bias: true }),
    conv('automatic padding, after', [2, 16, 5, 6], 16, 3, { stride: 2, autoPad: 'SAME_UPPER' }),
    conv('automatic padding, before', [2, 5, 6, 5], 7, [2, 3], { stride: 2, autoPad: 'SAME_LOWER' }),
    conv('automatic padding, none', [2, 16, 6, 6], 16, 3, { autoPad: 'VALID' }),
    conv('automatic padding that is explicit', [2, 5, 6, 6], 5, 3, { autoPad: 'NOTSET' }),
    conv('dilated', [2, 16, 8, 7], 16, 3, { dilation: 2, pads: 2 }),
    conv('dilated, 5 to 7, unpadded', [2, 5, 8, 7], 7, 3, { dilation: [2, 3] }),
    conv('dilated, automatic padding', [2, 16, 7, 8], 32, 3, { dilation: 2, autoPad: 'SAME_UPPER' }),
    conv('dilated, stride 2', [2, 16, 9, 8], 16, 3, { dilation: 2, pads: 2, stride: 2 }),
    conv('dilated, stride 3, rows unread', [2, 5, 12, 11], 5, 2, { dilation: 3, stride: 3 }),
    conv('2 groups of 16 channels', [2, 32, 5, 5], 32, 3, { pads: 1, group: 2, bias: true }),
    conv('2 groups, 16 channels to 32', [2, 32, 5, 5], 64, 3, { pads: 1, group: 2, stride: 2 }),
    conv('4 groups of 4 channels', [2, 16, 5, 6], 16, 3, { pads: 1, group: 4 }),
    conv('2 groups of 8 channels, stride 2', [2, 16, 6, 6], 16, 3, { pads: 1, group: 2, stride: 2 }),
    conv('3 groups, 2 channels to 3', [2, 6, 5, 5], 9, 3, { pads: 1, group: 3 }),
    conv('2 groups, 1x1', [2, 32, 4, 4], 32, 1, { group: 2 }),
    conv('2 groups, 1x1, stride 2', [2, 32, 5, 4], 32, 1, { group: 2, stride: 2 }),
    conv('2 groups, dilated', [2, 32, 6, 6], 32, 3, { pads: 2, group: 2, dilation: 2 }),
    conv('16 images in 2 groups of 16', [16, 32, 3, 3], 32, 3, { pads: 1, group: 2 }),
    conv('a group a channel, two filters each', [2, 16, 5, 5], 32, 3, { pads: 1, group: 16 }),
    conv('a group a channel, two filters each, stride 2', [2, 5, 5, 6], 10, 3, {
      pads: 1,
      group: 5,
      stride: 2,
    }),
    depthwise('3x3', 16, 3, { pads: 1 }),
    depthwise('3x3, 3 blocks, bias', 48, 3, { pads: 1, bias: true }),
    depthwise('3x3, 5 channels', 5, 3, { pads: 1 }),
    depthwise('3x3, 24 channels', 24, 3, { pads: 1 }),
    depthwise('3x3, unpadded', 16, 3, {}),
    depthwise('5x5', 16, 5, { pads: 2 }),
    depthwise('7x7', 16, 7, { pads: 3 }),
    depthwise('3x3, stride 2, even', 16, 3, { pads: 1, stride: 2 }),
    depthwise('3x3, stride 2, odd', 32, 3, { pads: 1, stride: 2 }, [7, 5]),
    depthwise('3x3, stride 2, unpadded, last row unread', 16, 3, { stride: 2 }),
    depthwise('3x3, stride 2, 5 channels', 5, 3, { pads: 1, stride: 2 }),
    depthwise('3x3, stride 2, automatic padding', 16, 3, { autoPad: 'SAME_UPPER', stride: 2 }),
    depthwise('5x5, stride 2', 16, 5, { pads: 2, stride: 2 }),
    depthwise('5x5, stride 2, of 2x2 pixels', 16, 5, { pads: 2, stride: 2 }, [2, 2]),
    depthwise('3x3, stride 3 by 1', 16, 3, { pads: 1, stride: [3, 1] }, [7, 6]),
    depthwise('stride wider than the kernel', 16, 2, { stride: 3 }, [8, 8]),
    depthwise('padding wider than the kernel', 16, 2, { pads: 2, stride: 2 }),
    depthwise('1x1', 16, 1, {}),
    depthwise('1x1, stride 2', 16, 1, { stride: 2 }, [5, 4]),
    depthwise('dilated', 16, 3, { dilation: 2, pads: 2 }),
    depthwise('dilated, stride 2', 16, 3, { dilation: 2, pads: 2, stride: 2 }, [7, 8]),
    depthwise('asymmetric padding', 16, 3, { pads: [0, 2, 1, 0] }),
    { ...depthwise('images alone', 16, 3, { pads: 1, bias: true }), wanted: inputsOnly },
    { ...depthwise('weights alone', 16, 3, { pads: 1, bias: true }), wanted: weightsOnly },
    {
      name: 'an inverted residual',
      build(net) {
        const x = net.conv(net.input([2, 3, 6, 6]), 16, 3, { pads: 1 });
        const wide = net.relu(net.norm(net.conv(x, 48, 1)));
        const deep = net.relu(net.norm(net.conv(wide, 48, 3, { pads: 1, group: 48 })));
        net.output(net.add(net.norm(net.conv(deep, 16, 1)), x));
      },
    },
    { ...conv('images alone', [2, 16, 4, 4], 16, 3, { pads: 1, bias: true }), wanted: inputsOnly },
    { ...conv('weights alone', [2, 16, 4, 4], 16, 3, { pads: 1, bias: true }), wanted: weightsOnly },
    {
      name: 'chain of blocked and plain convolutions',
      build(net) {
        const stem = net.conv(net.input([2, 3, 8, 8]), 16, 3, { pads: 1 });
        const narrow = net.conv(net.conv(stem, 32, 3, { pads: 1, stride: 2 }), 10, 1);
        net.output(net.conv(narrow, 16, 3, { pads: 1 }));
      },
    },
  ],

  Gemm: [
    gemm('weight [in, out]', 0, 'none'),
    gemm('weight [out, in]', 1, 'none'),
    gemm('weight [in, out], bias', 0, 'vector'),
    gemm('weight [out, in], bias', 1, 'vector'),
    gemm('bias [1, out]', 1, 'row'),
    gemm('scalar bias', 1, 'scalar'),
    gemm('bias an output element', 1, 'full'),
    {
      name: 'two layers',
      build(net) {
        const hidden = net.sigmoid(
          net.node('Gemm', [net.input([3, 6]), net.weight([6, 5]), net.weight([5])]),
        );
        net.output(net.node('Gemm', [hidden, net.weight([4, 5]), net.weight([4])], { transB: int(1) }));
      },
    },
    { ...gemm('weights alone', 1, 'vector'), wanted: weightsOnly },
  ],

  BatchNormalization: [
    norm('16 channels, plain', [4, 16, 3, 3]),
    norm('5 channels', [3, 5, 4, 3]),
    norm('one image', [1, 16, 5, 5]),
    norm('one pixel an image', [8, 16, 1, 1]),
    norm('mean far from zero', [4, 16, 4, 4], { mean: 3, std: 0.5 }),
    norm('mean sixty deviations from zero', [4, 16, 4, 4], { mean: 30, std: 0.5 }),
    norm('another epsilon', [4, 5, 3, 3], {}, { epsilon: 0.1 }),
    {
      name: 'of a weight, by statistics that are computed of it',
      build(net) {
        const weight = net.weight([3, 5, 4]);
        const [axes, kept] = [net.integers([0, 2]), { keepdims: int(1) }];
        const centred = net.node('Sub', [weight, net.node('ReduceMean', [weight, axes], kept)]);
        const dropped = { keepdims: int(0) };
        const statistics = [weight, net.mul(centred, centred)].map((of) =>
          net.node('ReduceMean', [of, axes], dropped),
        );
        const standardized = [weight, net.weight([5], 0.3, 1), net.weight([5]), ...statistics];
        net.output(net.node('BatchNormalization', standardized));
      },
    },
    onConv('after a blocked convolution', (net, x) => net.norm(x)),
    {
      name: 'of the images, weights alone',
      build: (net) => net.output(net.norm(net.input([3, 5, 4, 3]))),
      wanted: weightsOnly,
    },
    onConv('then ReLU', (net, x) => net.relu(net.norm(x))),
    onConv('between two ReLUs', (net, x) => net.relu(net.norm(net.relu(x)))),
    {
      name: 'then ReLU, 5 channels',
      build: (net) => net.output(net.relu(net.norm(net.input([3, 5, 4, 3])))),
    },
    onConv('plus residual, then ReLU', (net, x) => net.relu(net.add(net.norm(x), otherConv(net, x)))),
    onConv('residual plus it, then ReLU', (net, x) => net.relu(net.add(otherConv(net, x), net.norm(x)))),
    {
      name: 'plus residual, then ReLU, 5 channels',
      build(net) {
        const x = net.input([3, 5, 4, 3]);
        net.output(net.relu(net.add(net.norm(net.conv(x, 5, 3, { pads: 1 })), x)));
      },
    },
    onConv('plus a plain residual', (net, x) => net.relu(net.add(net.norm(x), net.input(net.dims(x))))),
    onConv('residual of another batch norm', (net, x) =>
      net.relu(net.add(net.norm(x), net.norm(otherConv(net, x)))),
    ),
    onConv('residual is what it normalises', (net, x) => net.relu(net.add(net.norm(x), x))),
    onConv('residual is another reader of its input', (net, x) =>
      net.relu(net.add(net.relu(x), net.norm(x))),
    ),
    onConv('read twice, by ReLU and a sum', (net, x) => {
      const y = net.norm(x);
      return net.add(net.relu(y), y);
    }),
    onConv('added to itself, then ReLU', (net, x) => {
      const y = net.norm(x);
      return net.relu(net.add(y, y));
    }),
    onConv('whose sum is read twice', (net, x) => {
      const sum = net.add(net.norm(x), otherConv(net, x));
      return net.add(net.relu(sum), net.sigmoid(sum));
    }),
    onConv('whose ReLU is read twice', (net, x) => {
      const y = net.relu(net.norm(x));
      return net.add(net.conv(y, 16, 3, { pads: 1 }), y);
    }),
    {
      name: 'that is an output itself, then ReLU',
      build(net) {
        const y = net.norm(net.conv(net.input([2, 16, 4, 4]), 16, 1));
        net.output(y, net.relu(y));
      },
    },
    {
      name: 'whose sum is an output itself, then ReLU',
      build(net) {
        const x = net.conv(net.input([2, 16, 4, 4]), 16, 1);
        const sum = net.add(net.norm(x), x);
        net.output(net.relu(sum), sum);
      },
    },
    {
      ...onConv('plus one value a channel of an image, then ReLU', (net, x) =>
        net.relu(net.add(net.norm(x), net.pool(otherConv(net, x)))),
      ),
    },
    {
      ...onConv('of pooled values plus whole images, then ReLU', (net, x) =>
        net.relu(net.add(net.norm(net.pool(x)), x)),
      ),
    },
    {
      ...onConv('plus one value a channel, then ReLU', (net, x) =>
        net.relu(net.add(net.norm(x), net.weight([16, 1, 1]))),
      ),
    },
  ],

  Relu: [
    onInput('plain', [2, 5, 3, 3], (net, x) => net.relu(x)),
    onConv('blocked', (net, x) => net.relu(x)),
    onInput('matrix', [4, 7], (net, x) => net.relu(x)),
    onConv('read by three', (net, x) => {
      const y = net.relu(x);
      return net.mul(net.add(y, net.sigmoid(y)), y);
    }),
  ],

  Sigmoid: [
    onInput('plain', [2, 5, 3, 3], (net, x) => net.sigmoid(x)),
    onConv('blocked', (net, x) => net.sigmoid(x)),
    onInput('matrix', [4, 7], (net, x) => net.sigmoid(x)),
    onInput('far from zero', [4, 7], (net, x) => net.sigmoid(net.mul(x, net.weight([], 0, 6)))),
  ],

  Add: elementwise((net, x, y) => net.add(x, y)),
  Mul: elementwise((net, x, y) => net.mul(x, y)),

  GlobalAveragePool: [
    onInput('plain', [2, 5, 3, 4], (net, x) => net.pool(x)),
    onConv('blocked', (net, x) => net.pool(x)),
    onInput('one pixel', [2, 16, 1, 1], (net, x) => net.pool(x)),
    onConv('read beside what it pools', (net, x) => net.add(net.pool(x), x)),
  ],

  MaxPool: [
    ...pools('MaxPool'),
    onInput('one axis', [2, 3, 9], (net, x) => net.node('MaxPool', [x], ONE_AXIS)),
  ],
  AveragePool: [
    ...pools('AveragePool'),
    ...pools('AveragePool', { count_include_pad: int(1) }),
    onInput('one axis', [2, 3, 9], (net, x) => net.node('AveragePool', [x], ONE_AXIS)),
  ],

  Flatten: [
    onInput('plain', [2, 5, 3, 4], (net, x) => net.node('Flatten', [x], { axis: int(1) })),
    onInput('default axis', [2, 5, 3, 4], (net, x) => net.node('Flatten', [x])),
    onConv('blocked', (net, x) => net.node('Flatten', [x], { axis: int(1) })),
    onConv('blocked, axis 2', (net, x) => net.node('Flatten', [x], { axis: int(2) })),
    onConv('blocked, axis 0', (net, x) => net.node('Flatten', [x], { axis: int(0) })),
    onConv('blocked, axis from the end', (net, x) => net.node('Flatten', [x], { axis: int(-1) })),
    onConv('pooled', (net, x) => net.node('Flatten', [net.pool(x)], { axis: int(1) })),
    onInput('of a matrix', [3, 4], (net, x) => net.node('Flatten', [x], { axis: int(1) })),
  ],
};

/** Structures of several operators. */
export const COMBINED_CASES: readonly GradientCase[] = [
  onInput('a value read by a blocked and a plain convolution and a pool', [2, 16, 5, 5], (net, x) => {
    const blocked = net.conv(x, 16, 3, { pads: 1 });
    const plain = net.conv(x, 10, 3, { pads: 1 });
    return net.add(net.add(blocked, net.conv(plain, 16, 1)), net.pool(x));
  }),
  {
    name: 'a convolution weight read twice',
    build(net) {
      const w = net.weight([16, 16, 1, 1], 0.25);
      const once = net.sigmoid(net.node('Conv', [net.input([2, 16, 3, 3]), w]));
      net.output(net.node('Conv', [once, w]));
    },
  },
  ...[16, 32, 5].map(
    (channels): GradientCase => ({
      name: `squeeze and excitation of ${channels} channels`,
      build(net) {
        const x = net.conv(net.input([2, channels, 4, 4]), channels, 3, { pads: 1 });
        const squeezed = net.conv(net.pool(x), Math.max(1, Math.floor(channels / 4)), 1, { bias: true });
        const gate = net.sigmoid(net.conv(net.relu(squeezed), channels, 1, { bias: true }));
        net.output(net.mul(x, gate));
      },
    }),
  ),
  ...[16, 5].map(
    (channels): GradientCase => ({
      name: `residual block with squeeze and excitation of ${channels} channels`,
      build(net) {
        const x = net.input([2, channels, 4, 4]);
        const inner = net.relu(net.norm(net.conv(x, channels, 3, { pads: 1 })));
        const y = net.norm(net.conv(inner, channels, 3, { pads: 1 }));
        const gate = net.sigmoid(net.conv(net.relu(net.conv(net.pool(y), 4, 1)), channels, 1));
        net.output(net.relu(net.add(net.mul(y, gate), x)));
      },
    }),
  ),
  {
    name: 'a small residual net',
    wanted: weightsOnly,
    build(net) {
      const stem = net.relu(net.norm(net.conv(net.input([3, 3, 8, 8]), 16, 3, { pads: 1 })));
      const inner = net.relu(net.norm(net.conv(stem, 32, 3, { pads: 1, stride: 2 })));
      const shortcut = net.norm(net.conv(stem, 32, 1, { stride: 2 }));
      const y = net.relu(net.add(net.norm(net.conv(inner, 32, 3, { pads: 1 })), shortcut));
      const features = net.node('Flatten', [net.pool(y)], { axis: int(1) });
      net.output(
        net.node('Gemm', [features, net.weight([10, 32], 0.2), net.weight([10])], { transB: int(1) }),
      );
    },
  },
];

function conv(
  name: string,
  dims: readonly number[],
  channels: number,
  kernel: number | [number, number],
  options: ConvOptions,
): GradientCase {
  return { name, build: (net) => net.output(net.conv(net.input(dims), channels, kernel, options)) };
}

/** Windows of every kind, on 5 channels and on 16 of a convolution. */
function pools(op: string, attributes: Record<string, Attribute> = {}): GradientCase[] {
  const windows: [name: string, size: [number, number], kernel: number[], Record<string, Attribute>][] = [
    ['2x2, stride 2', [6, 4], [2, 2], { strides: ints([2, 2]) }],
    ['2x2, stride 2, odd', [5, 7], [2, 2], { strides: ints([2, 2]) }],
    ['3x3, stride 2, padded', [6, 7], [3, 3], { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) }],
    ['3x3, stride 1, padded', [4, 5], [3, 3], { pads: ints([1, 1, 1, 1]) }],
    ['3x3, rounded up', [6, 6], [3, 3], { strides: ints([2, 2]), ceil_mode: int(1) }],
    [
      '3x3, rounded up, padded',
      [6, 5],
      [3, 3],
      { strides: ints([2, 2]), pads: ints([1, 0, 0, 1]), ceil_mode: int(1) },
    ],
    ['2x3, stride 1 by 2', [4, 7], [2, 3], { strides: ints([1, 2]) }],
    ['2x2, stride 3', [7, 8], [2, 2], { strides: ints([3, 3]) }],
    ['3x2, padded by itself', [5, 6], [3, 2], { strides: ints([2, 2]), auto_pad: str('SAME_UPPER') }],
    ['the whole image', [4, 3], [4, 3], {}],
    ['2x2, dilated', [6, 7], [2, 2], { dilations: ints([2, 3]) }],
  ];
  // AveragePool has dilations from opset 19 on.
  const known = windows.filter(([, , , { dilations }]) => op === 'MaxPool' || !dilations);
  return known.flatMap(([name, size, kernel, more]) => {
    const apply = (net: CaseNet, x: string) =>
      net.output(net.node(op, [x], { kernel_shape: ints(kernel), ...more, ...attributes }));
    const full = `${name}${attributes.count_include_pad ? ', padding counted' : ''}`;
    return [
      { name: full, build: (net) => apply(net, net.input([2, 5, ...size])) },
      { name: `${full}, blocked`, build: (net) => apply(net, net.conv(net.input([2, 16, ...size]), 16, 1)) },
    ];
  });
}

function depthwise(
  name: string,
  channels: number,
  kernel: number,
  options: ConvOptions,
  size: readonly [number, number] = [6, 6],
): GradientCase {
  return conv(`depthwise, ${name}`, [3, channels, ...size], channels, kernel, {
    ...options,
    group: channels,
  });
}

function gemm(
  name: string,
  transB: 0 | 1,
  bias: 'none' | 'vector' | 'row' | 'scalar' | 'full',
): GradientCase {
  const biasDims = { vector: [4], row: [1, 4], scalar: [], full: [3, 4] };
  return {
    name,
    build(net) {
      const inputs = [net.input([3, 6]), net.weight(transB === 1 ? [4, 6] : [6, 4])];
      if (bias !== 'none') inputs.push(net.weight(biasDims[bias]));
      net.output(net.node('Gemm', inputs, { transB: int(transB) }));
    },
  };
}

function norm(
  name: string,
  dims: readonly number[],
  input: { mean?: number; std?: number } = {},
  attributes: { epsilon?: number } = {},
): GradientCase {
  return { name, build: (net) => net.output(net.norm(net.input(dims, input), attributes)) };
}

function onInput(
  name: string,
  dims: readonly number[],
  build: (net: CaseNet, x: string) => string,
): GradientCase {
  return { name, build: (net) => net.output(build(net, net.input(dims))) };
}

function turnedConv(
  name: string,
  dims: readonly number[],
  weight: readonly number[],
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
  bias = false,
  autoPad?: string,
): GradientCase {
  return onInput(name, dims, (net, x) => {
    const inputs = [x, net.weight([...weight])];
    const group = (attributes.group ?? 1) as number;
    if (bias) inputs.push(net.weight([weight[1]! * group]));
    const given = Object.entries(attributes).map(([key, value]) => [
      key,
      typeof value === 'number' ? int(value) : ints([...value]),
    ]);
    return net.node('ConvTranspose', inputs, {
      ...Object.fromEntries(given),
      ...(autoPad ? { auto_pad: str(autoPad) } : {}),
    });
  });
}

/** On the output of a convolution, which is blocked where this machine has blocks. */
function onConv(name: string, build: (net: CaseNet, x: string) => string): GradientCase {
  return {
    name,
    build: (net) => net.output(build(net, net.conv(net.input([2, 16, 4, 4]), 16, 3, { pads: 1 }))),
  };
}

function otherConv(net: CaseNet, like: string): string {
  const [batch, , height, width] = net.dims(like) as [number, number, number, number];
  return net.conv(net.input([batch, 16, height, width]), 16, 1);
}

/** The shapes Add and Mul take: equal, and broadcast each way. */
function elementwise(apply: (net: CaseNet, x: string, y: string) => string): GradientCase[] {
  const pair = (name: string, x: readonly number[], y: readonly number[]): GradientCase => ({
    name,
    build: (net) => net.output(apply(net, net.input(x), net.input(y))),
  });
  return [
    pair('equal shapes', [2, 5, 3, 4], [2, 5, 3, 4]),
    pair('equal matrices', [3, 4], [3, 4]),
    pair('one value a channel of an image', [2, 5, 3, 4], [2, 5, 1, 1]),
    pair('one value a channel of an image, first', [2, 5, 1, 1], [2, 5, 3, 4]),
    pair('one value a channel', [2, 5, 3, 4], [5, 1, 1]),
    pair('one value a channel, rank 4', [2, 5, 3, 4], [1, 5, 1, 1]),
    pair('one value a pixel', [2, 5, 3, 4], [2, 1, 3, 4]),
    pair('a scalar', [2, 5, 3, 4], []),
    pair('a vector along the rows', [2, 5, 3, 4], [4]),
    pair('both broadcast', [2, 1, 3, 4], [1, 5, 1, 1]),
    pair('both broadcast, matrices', [3, 1], [1, 4]),
    onInput('with itself', [2, 5, 3, 4], (net, x) => apply(net, x, x)),
    onConv('blocked with itself', (net, x) => apply(net, x, x)),
    onConv('blocked with blocked', (net, x) => apply(net, x, otherConv(net, x))),
    onConv('blocked with plain', (net, x) => apply(net, x, net.input(net.dims(x)))),
    onConv('plain with blocked', (net, x) => apply(net, net.input(net.dims(x)), x)),
    onConv('blocked with one value a channel of an image', (net, x) =>
      apply(net, x, net.input([2, 16, 1, 1])),
    ),
    onConv('one value a channel of an image with blocked', (net, x) =>
      apply(net, net.input([2, 16, 1, 1]), x),
    ),
    onConv('plain with one blocked value a channel of an image', (net, x) =>
      apply(net, net.input([2, 16, 3, 3]), net.conv(net.pool(x), 16, 1)),
    ),
    onConv('blocked with one value a channel', (net, x) => apply(net, x, net.weight([16, 1, 1]))),
    onConv('blocked with a scalar', (net, x) => apply(net, x, net.weight([1]))),
    onConv('blocked with one value a pixel', (net, x) => apply(net, x, net.input([2, 1, 4, 4]))),
  ];
}

function inputsOnly(net: CaseNet): string[] {
  return net.graph.inputs.map((input) => input.name);
}

function weightsOnly(net: CaseNet): string[] {
  return [...net.graph.initializers.keys()].filter((name) => !net.buffers.has(name));
}
