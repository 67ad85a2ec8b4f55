import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { type GraphNode, intAttribute } from '../../../../core/onnx/graph.ts';
import { TRAINING } from '../../../gradients/training-graph.ts';
import type { TfjsPrecision } from '../../../precision.ts';
import { conv2d, conv2dFilterGradient, conv2dInputGradient } from '../convolution/conv2d.ts';
import { phaseOf, spread } from '../convolution/phases.ts';
import { type ConvSetting, convSetting } from '../convolution/setting.ts';
import type { Kernels } from '../kernels.ts';
import type { TfjsOperator } from '../operator.ts';
import { channelsLast, dimsOf, plain, toChannelsLast, toFilter, type Value } from '../value.ts';
import { readWindows, type Window } from '../window.ts';

/**
 * A Conv node as it is made of dense ones: a filter with holes is one with zeros there, groups are convolutions side
 * by side, but for those of one channel, which have kernels of their own.
 */
interface Convolution {
  /** Of each group; of all where each is one channel. */
  setting: ConvSetting;
  groups: number;
  isDepthwise: boolean;
  dilations: [number, number];
}

function convolutionOf(node: GraphNode, x: Value, weight: Value, precision: TfjsPrecision): Convolution {
  const [batch, channels, height, width] = dimsOf(x) as [number, number, number, number];
  const [outChannels, groupChannels, kernelH, kernelW] = dimsOf(weight) as [number, number, number, number];
  const windows = readWindows(node, [height, width], [kernelH, kernelW]);
  const groups = intAttribute(node, 'group', 1);
  const dense = windows.map(({ dilation, kernel, ...window }) => {
    return { ...window, kernel: dilation * (kernel - 1) + 1, dilation: 1 };
  }) as [Window, Window];
  // TensorFlow's depthwise kernels know one stride for both axes, and in bfloat16 they round their sums.
  const isDepthwise = groups > 1 && groupChannels === 1 && dense[0].stride === dense[1].stride;
  return {
    setting: isDepthwise
      ? convSetting('float32', batch, dense, [channels, outChannels / channels])
      : convSetting(precision === 'bf16' ? 'bfloat16' : 'float32', batch, dense, [
          groupChannels,
          outChannels / groups,
        ]),
    groups,
    isDepthwise,
    dilations: [windows[0].dilation, windows[1].dilation],
  };
}

/** [H, W, in, out] with zeros between the taps. */
function withHoles(k: Kernels, filter: Tensor, { dilations, setting }: Convolution): Tensor {
  if (dilations.every((dilation) => dilation === 1)) return filter;
  const [height, width, inChannels, outChannels] = filter.shape as [number, number, number, number];
  const taps = k.reshape(filter, [1, height, width, inChannels * outChannels]);
  const [rows, columns] = setting.filterShape;
  const cut = k.slice(spread(k, taps, dilations), [0, 0, 0, 0], [1, rows, columns, inChannels * outChannels]);
  return k.reshape(cut, [rows, columns, inChannels, outChannels]);
}

/** Of a filter with holes, or its gradient, the taps. */
function withoutHoles(k: Kernels, filter: Tensor, { dilations }: Convolution): Tensor {
  if (dilations.every((dilation) => dilation === 1)) return filter;
  const [rows, columns, inChannels, outChannels] = filter.shape as [number, number, number, number];
  const view = k.reshape(filter, [1, rows, columns, inChannels * outChannels]);
  const whole = k.pad(view, [
    [0, 0],
    [0, dilations[0] - 1],
    [0, dilations[1] - 1],
    [0, 0],
  ]);
  const taps = phaseOf(k, whole, dilations);
  return k.reshape(taps, [taps.shape[1]!, taps.shape[2]!, inChannels, outChannels]);
}

/** Conv: 2-D, any kernel, stride, padding, dilation and groups. */
const conv: TfjsOperator = (call) => {
  const { k, node, inputs } = call;
  const [input, weight, bias] = [inputs[0]!, call.input(1), inputs[2]];
  const convolution = convolutionOf(node, input, weight, call.precision);
  const { setting, groups, isDepthwise } = convolution;
  const [x, filter] = [toChannelsLast(k, input), withHoles(k, toFilter(k, weight), convolution)];
  const y = isDepthwise
    ? depthwise(k, 'DepthwiseConv2dNative', setting, [
        depthwiseImage(k, setting, x),
        depthwiseFilter(k, setting, filter),
      ])
    : k.concat(
        zip(inGroups(k, x, groups), inGroups(k, filter, groups)).map(([part, own]) =>
          conv2d(k, setting, part, own),
        ),
        3,
      );
  return channelsLast(bias ? k.add(k.cast(y, 'float32'), call.plain(2)) : y);
};

const convGrad: TfjsOperator = (call) => {
  const { k, node, inputs } = call;
  const [gradient, input] = inputs as [Value, Value];
  const weight = call.input(2);
  const [wantsInput, wantsFilter, wantsBias] = [0, 1, 2].map((i) => Boolean(node.outputs[i]));
  const convolution = convolutionOf(node, input, weight, call.precision);
  const { setting, groups, isDepthwise } = convolution;
  const dy = toChannelsLast(k, gradient);
  const x = () => toChannelsLast(k, input);
  const filter = () => withHoles(k, toFilter(k, weight), convolution);
  const dBias = () => k.reshape(k.reduce('Sum', k.cast(dy, 'float32'), [0, 1, 2]), [dy.shape[3]!]);
  const dx = () =>
    isDepthwise
      ? depthwiseInputGradient(k, setting, filter(), dy)
      : k.concat(
          zip(inGroups(k, filter(), groups), inGroups(k, dy, groups)).map(([own, part]) =>
            conv2dInputGradient(k, setting, own, part),
          ),
          3,
        );
  const dFilter = () =>
    isDepthwise
      ? depthwiseFilterGradient(k, setting, x(), dy)
      : k.concat(
          zip(inGroups(k, x(), groups), inGroups(k, dy, groups)).map(([part, own]) =>
            conv2dFilterGradient(k, setting, part, own),
          ),
          3,
        );
  // One after the other, the filter's first: it is small, and what it is made of is freed before the other begins.
  const alone = (make: () => Tensor) => k.tf.tidy(make);
  const filterGradient = wantsFilter ? alone(() => withoutHoles(k, dFilter(), convolution)) : undefined;
  return [
    wantsInput ? channelsLast(alone(dx)) : undefined,
    filterGradient && { tensor: filterGradient, layout: 'filter' },
    wantsBias ? plain(alone(dBias)) : undefined,
  ];
};

/** The shares of the last axis, which is that of channels. */
const inGroups = (k: Kernels, x: Tensor, groups: number): Tensor[] =>
  k.split(x, new Array<number>(groups).fill(x.shape[3]! / groups), 3);

const zip = <A, B>(a: readonly A[], b: readonly B[]): [A, B][] => a.map((value, i) => [value, b[i]!]);

function depthwise(k: Kernels, kernel: string, setting: ConvSetting, inputs: readonly Tensor[]): Tensor {
  return k.run(kernel, inputs, {
    T: { type: 'float32' },
    strides: { ints: [1, ...setting.strides, 1] },
    padding: setting.padding,
    data_format: 'NHWC',
  });
}

const marginsOf = ({ margins }: ConvSetting): [number, number][] => [[0, 0], ...margins, [0, 0]];

const depthwiseImage = (k: Kernels, setting: ConvSetting, x: Tensor) =>
  k.pad(k.cast(x, 'float32'), marginsOf(setting));

/** [H, W, 1, channels * multiplier] as [H, W, channels, multiplier]. */
const depthwiseFilter = (k: Kernels, setting: ConvSetting, filter: Tensor) =>
  k.reshape(filter, setting.filterShape);

function depthwiseInputGradient(k: Kernels, setting: ConvSetting, filter: Tensor, dy: Tensor): Tensor {
  const margins = marginsOf(setting);
  const padded = setting.inputShape.map((size, axis) => size + margins[axis]![0] + margins[axis]![1]);
  const inputs = [k.integers(padded), depthwiseFilter(k, setting, filter), k.cast(dy, 'float32')];
  const dx = depthwise(k, 'DepthwiseConv2dNativeBackpropInput', setting, inputs);
  return k.slice(
    dx,
    margins.map(([before]) => before),
    setting.inputShape,
  );
}

function depthwiseFilterGradient(k: Kernels, setting: ConvSetting, x: Tensor, dy: Tensor): Tensor {
  const [height, width, channels, multiplier] = setting.filterShape;
  const inputs = [depthwiseImage(k, setting, x), k.integers(setting.filterShape), k.cast(dy, 'float32')];
  const dFilter = depthwise(k, 'DepthwiseConv2dNativeBackpropFilter', setting, inputs);
  return k.reshape(dFilter, [height, width, 1, channels * multiplier]);
}

export const CONVOLUTION: Readonly<Record<string, TfjsOperator>> = {
  Conv: conv,
  [`${TRAINING}.ConvGrad`]: convGrad,
};
