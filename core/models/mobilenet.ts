import type { Graph } from '../onnx/graph.ts';
import { type Activation, type ConvOptions, LayerBuilder, type ModelOptions } from './layers.ts';

/** A conv and its batch norm, by the names of their parameters. */
type Layer = readonly [conv: string, norm: string];

/**
 * An inverted residual block (Sandler et al. 2018, arXiv:1801.04381): a 1x1 conv widens, a depthwise one looks
 * around, a 1x1 conv without activation narrows; with a shortcut where the shape stays.
 */
interface Block {
  name: string;
  kernel: number;
  stride: number;
  /** Channels in between. */
  expanded: number;
  out: number;
  activation: Activation;
  /** Squeeze-and-excitation after the depthwise conv, with so many channels. */
  squeezed?: number;
  layers: {
    /** Left out where the block widens nothing. */
    expand?: Layer;
    depthwise: Layer;
    excitation?: readonly [string, string];
    project: Layer;
  };
}

/** A net of inverted residual blocks. */
export interface MobileNetConfig {
  name: string;
  /** Pixels that it was designed for. */
  imageSize: number;
  /** `same`: TensorFlow's, which at a stride of two pads more behind than before; else as PyTorch's nets do. */
  padding: 'same' | 'symmetric';
  norm: { epsilon: number; momentum: number };
  /** Of stem and head. */
  activation: Activation;
  stem: { layer: Layer; width: number };
  blocks: readonly Block[];
  head: { layer: Layer; width: number };
  /** A linear layer with activation before the classifier. */
  hidden?: { name: string; width: number };
  classifier: string;
}

/**
 * Emits a net of inverted residual blocks. Input `input` [batch, 3, size, size], output `logits`
 * [batch, numClasses]. Convs and the classifier are zero until `initializeParameters` fills them.
 */
export function buildMobileNet(config: MobileNetConfig, options: ModelOptions): Graph {
  const net = new LayerBuilder(config.name, config.norm);
  let size = options.imageSize ?? config.imageSize;
  /** A conv that looks around, in the net's way of padding. */
  const window = (kernel: number, stride: number): ConvOptions => {
    const before = size;
    size = Math.ceil(size / stride);
    if (config.padding === 'symmetric') return { kernel, stride };
    const pad = Math.max(0, (size - 1) * stride + kernel - before);
    return { kernel, stride, pads: [Math.floor(pad / 2), Math.ceil(pad / 2)] };
  };
  const { stem, head, hidden } = config;
  let x = net.convBatchNorm(net.input(size), stem.layer, 3, stem.width, window(3, 2));
  x = net.activation(x, config.activation);
  let channels = stem.width;
  for (const { name, kernel, stride, expanded, out, activation, squeezed, layers } of config.blocks) {
    let y = x;
    if (layers.expand) {
      y = net.activation(net.convBatchNorm(y, layers.expand, channels, expanded), activation);
    }
    const depthwise = { ...window(kernel, stride), groups: expanded };
    y = net.activation(net.convBatchNorm(y, layers.depthwise, expanded, expanded, depthwise), activation);
    if (squeezed !== undefined) {
      const names = { name: `${name}.se`, ...(layers.excitation && { layers: layers.excitation }) };
      y = net.squeezeExcitation(y, expanded, squeezed, 'HardSigmoid', names);
    }
    y = net.convBatchNorm(y, layers.project, expanded, out);
    x = stride === 1 && channels === out ? net.builder.node('Add', [x, y], {}, { name: `${name}.add` }) : y;
    channels = out;
  }
  x = net.activation(net.convBatchNorm(x, head.layer, channels, head.width), config.activation);
  x = net.pooled(x);
  if (hidden) x = net.activation(net.linear(x, hidden.name, head.width, hidden.width), config.activation);
  return net.classifier(x, config.classifier, hidden?.width ?? head.width, options.numClasses);
}

/** A multiple of eight near a number of channels, not less than nine tenths of it, as all these nets have. */
function rounded(channels: number): number {
  const nearest = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return nearest < 0.9 * channels ? nearest + 8 : nearest;
}

/** Numbered layers of a torchvision `Sequential`, each of conv, batch norm and activation. */
const numbered = (prefix: string): Layer => [`${prefix}.0`, `${prefix}.1`];

/** MobileNetV2 (arXiv:1801.04381), parameters as in torchvision. */
export function mobileNetV2(width = 1, name = 'mobilenetv2'): MobileNetConfig {
  const stages = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ] as const;
  const blocks: Block[] = [];
  const stem = rounded(32 * width);
  let channels = stem;
  for (const [expansion, wide, depth, first] of stages) {
    for (let index = 0; index < depth; index++) {
      const at = `features.${blocks.length + 1}`;
      const layer = expansion === 1 ? 0 : 1;
      blocks.push({
        ...{ name: at, kernel: 3, stride: index === 0 ? first : 1, activation: 'relu6' },
        ...{ expanded: channels * expansion, out: rounded(wide * width) },
        layers: {
          ...(layer === 1 && { expand: numbered(`${at}.conv.0`) }),
          depthwise: numbered(`${at}.conv.${layer}`),
          project: [`${at}.conv.${layer + 1}`, `${at}.conv.${layer + 2}`],
        },
      });
      channels = rounded(wide * width);
    }
  }
  return {
    ...{ name, imageSize: 224, padding: 'symmetric', activation: 'relu6', blocks },
    norm: { epsilon: 1e-5, momentum: 0.1 },
    stem: { layer: numbered('features.0'), width: stem },
    head: { layer: numbered(`features.${blocks.length + 1}`), width: rounded(1280 * Math.max(1, width)) },
    classifier: 'classifier.1',
  };
}

/** MobileNetV3-Small (Howard et al. 2019, arXiv:1905.02244), parameters as in torchvision. */
export function mobileNetV3Small(width = 1, name = 'mobilenetv3-small'): MobileNetConfig {
  const rows = [
    [3, 16, 16, true, 'relu', 2],
    [3, 72, 24, false, 'relu', 2],
    [3, 88, 24, false, 'relu', 1],
    [5, 96, 40, true, 'hardswish', 2],
    [5, 240, 40, true, 'hardswish', 1],
    [5, 240, 40, true, 'hardswish', 1],
    [5, 120, 48, true, 'hardswish', 1],
    [5, 144, 48, true, 'hardswish', 1],
    [5, 288, 96, true, 'hardswish', 2],
    [5, 576, 96, true, 'hardswish', 1],
    [5, 576, 96, true, 'hardswish', 1],
  ] as const;
  let channels = rounded(16 * width);
  const stem = { layer: numbered('features.0'), width: channels };
  const blocks = rows.map(([kernel, wide, narrow, excited, activation, stride], index): Block => {
    const at = `features.${index + 1}`;
    const [expanded, out] = [rounded(wide * width), rounded(narrow * width)];
    let part = 0;
    const next = (): string => `${at}.block.${part++}`;
    const layers: Block['layers'] = {
      ...(expanded !== channels && { expand: numbered(next()) }),
      depthwise: numbered(next()),
      ...(excited && { excitation: excitation(next()) }),
      project: numbered(next()),
    };
    channels = out;
    return {
      ...{ name: at, kernel, stride, expanded, out, activation, layers },
      ...(excited && { squeezed: rounded(expanded / 4) }),
    };
  });
  return {
    ...{ name, imageSize: 224, padding: 'symmetric', activation: 'hardswish', blocks, stem },
    norm: { epsilon: 1e-3, momentum: 0.01 },
    head: { layer: numbered(`features.${blocks.length + 1}`), width: 6 * channels },
    hidden: { name: 'classifier.0', width: rounded(1024 * width) },
    classifier: 'classifier.3',
  };
}

const excitation = (at: string): [string, string] => [`${at}.fc1`, `${at}.fc2`];

/** Of EfficientNet-Lite, and of all EfficientNets, before they are made wider and deeper. */
const LITE_STAGES = [
  { depth: 1, kernel: 3, stride: 1, expansion: 1, out: 16 },
  { depth: 2, kernel: 3, stride: 2, expansion: 6, out: 24 },
  { depth: 2, kernel: 5, stride: 2, expansion: 6, out: 40 },
  { depth: 3, kernel: 3, stride: 2, expansion: 6, out: 80 },
  { depth: 3, kernel: 5, stride: 1, expansion: 6, out: 112 },
  { depth: 4, kernel: 5, stride: 2, expansion: 6, out: 192 },
  { depth: 1, kernel: 3, stride: 1, expansion: 6, out: 320 },
] as const;

/** How many blocks the stages of an EfficientNet-Lite have; its first and last do not get deeper. */
export function liteDepths(deeper: number): number[] {
  const last = LITE_STAGES.length - 1;
  return LITE_STAGES.map(({ depth }, at) => (at === 0 || at === last ? depth : Math.ceil(depth * deeper)));
}

/**
 * EfficientNet-Lite (Tan and Le 2019, arXiv:1905.11946, without squeeze-and-excitation and with ReLU6; stem and head
 * are not made wider), as TensorFlow trained it. Parameters as in timm's `tf_efficientnet_lite`.
 */
export function efficientNetLite(
  name: string,
  { imageSize, width, depth }: { imageSize: number; width: number; depth: number },
): MobileNetConfig {
  let channels = 32;
  const depths = liteDepths(depth);
  const blocks = LITE_STAGES.flatMap(({ kernel, stride, expansion, out }, stage) =>
    Array.from({ length: depths[stage]! }, (_, index): Block => {
      const at = `blocks.${stage}.${index}`;
      const expanded = channels * expansion;
      channels = rounded(out * width);
      const layers: Block['layers'] =
        expansion === 1
          ? { depthwise: [`${at}.conv_dw`, `${at}.bn1`], project: [`${at}.conv_pw`, `${at}.bn2`] }
          : {
              expand: [`${at}.conv_pw`, `${at}.bn1`],
              depthwise: [`${at}.conv_dw`, `${at}.bn2`],
              project: [`${at}.conv_pwl`, `${at}.bn3`],
            };
      return {
        ...{ name: at, kernel, stride: index === 0 ? stride : 1, expanded, out: channels },
        ...{ activation: 'relu6', layers },
      };
    }),
  );
  return {
    ...{ name, imageSize, padding: 'same', activation: 'relu6', blocks },
    norm: { epsilon: 1e-3, momentum: 0.01 },
    stem: { layer: ['conv_stem', 'bn1'], width: 32 },
    head: { layer: ['conv_head', 'bn2'], width: 1280 },
    classifier: 'classifier',
  };
}
