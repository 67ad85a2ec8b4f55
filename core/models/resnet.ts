import { GraphBuilder } from '../onnx/builder.ts';
import { float, floatTensor, type Graph, int, ints, sizeOf } from '../onnx/graph.ts';

/** What tells one ResNet from another. */
export interface ResNetConfig {
  name: string;
  /** `basic`: two 3x3 convs (ResNet-18/34); `bottleneck`: 1x1, 3x3, 1x1 with four times the width out. */
  block: 'basic' | 'bottleneck';
  /** Blocks a stage; the first stage keeps the resolution, each later one halves it. */
  depths: readonly number[];
  /** 3x3-conv channels a stage. */
  widths: readonly number[];
  /** Channels after the stem. */
  stemWidth: number;
  /** Squeeze-and-excitation in every block, with this reduction (Hu et al. 2018, arXiv:1709.01507). */
  squeezeExcitation?: { reduction: number };
}

export interface ResNetOptions {
  numClasses: number;
  /** Input size in pixels; 32 for CIFAR. */
  imageSize?: number;
}

const BATCH_NORM_EPSILON = 1e-5;
/** ONNX's momentum weighs the old value: PyTorch's 0.1 is 0.9 here. */
const BATCH_NORM_MOMENTUM = 0.9;

/**
 * Emits a ResNet (He et al. 2016, arXiv:1512.03385) for small images: 3x3 stem, no max-pooling, stride on the
 * 3x3 conv of a stage's first block, projection shortcuts (1x1 conv + batch norm) where the shape changes.
 * Input `input` [batch, 3, size, size], output `logits` [batch, numClasses]; parameters are named as in
 * torchvision. Convs and the classifier are zero until `initializeParameters` fills them.
 */
export function buildResNet(config: ResNetConfig, options: ResNetOptions): Graph {
  const size = options.imageSize ?? 32;
  const net = new ResNetBuilder(config);
  const b = net.builder;
  let x = b.input('input', 'float32', ['batch', 3, size, size]);
  x = net.relu(net.convBatchNorm(x, 'conv1', 'bn1', 3, config.stemWidth, 3, 1));
  let channels = config.stemWidth;
  config.depths.forEach((depth, stage) => {
    for (let index = 0; index < depth; index++) {
      const stride = index === 0 && stage > 0 ? 2 : 1;
      const width = config.widths[stage]!;
      x = net.block(x, `layer${stage + 1}.${index}`, channels, width, stride);
      channels = width * net.expansion;
    }
  });
  x = b.node('GlobalAveragePool', [x], {}, { name: 'avgpool' });
  x = b.node('Flatten', [x], { axis: int(1) }, { name: 'flatten' });
  const weight = net.zeros('fc.weight', [options.numClasses, channels]);
  const bias = net.zeros('fc.bias', [options.numClasses]);
  b.node('Gemm', [x, weight, bias], { transB: int(1) }, { name: 'logits' });
  b.output('logits', 'float32', ['batch', options.numClasses]);
  return b.graph;
}

/** The layers a ResNet is made of, each under its torchvision name. */
class ResNetBuilder {
  readonly builder: GraphBuilder;
  readonly expansion: number;

  constructor(readonly config: ResNetConfig) {
    this.builder = new GraphBuilder(config.name);
    this.expansion = config.block === 'bottleneck' ? 4 : 1;
  }

  zeros(name: string, dims: readonly number[]): string {
    // As it is, not copied: the system gives memory for it only where it is written to.
    const data = new Float32Array(sizeOf(dims));
    return this.builder.initializer(name, { dtype: 'float32', dims: [...dims], data });
  }

  filled(name: string, size: number, value: number): string {
    return this.builder.initializer(name, floatTensor([size], new Float32Array(size).fill(value)));
  }

  relu(x: string): string {
    return this.builder.node('Relu', [x], {}, { name: `${x}.relu` });
  }

  conv(
    x: string,
    name: string,
    inC: number,
    outC: number,
    kernel: number,
    stride: number,
    bias = false,
  ): string {
    const inputs = [x, this.zeros(`${name}.weight`, [outC, inC, kernel, kernel])];
    if (bias) inputs.push(this.zeros(`${name}.bias`, [outC]));
    const pad = (kernel - 1) / 2;
    const attributes = {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([pad, pad, pad, pad]),
    };
    return this.builder.node('Conv', inputs, attributes, { name });
  }

  batchNorm(x: string, name: string, channels: number): string {
    const inputs = [
      x,
      this.filled(`${name}.weight`, channels, 1),
      this.filled(`${name}.bias`, channels, 0),
      this.filled(`${name}.running_mean`, channels, 0),
      this.filled(`${name}.running_var`, channels, 1),
    ];
    const attributes = { epsilon: float(BATCH_NORM_EPSILON), momentum: float(BATCH_NORM_MOMENTUM) };
    return this.builder.node('BatchNormalization', inputs, attributes, { name });
  }

  convBatchNorm(
    x: string,
    conv: string,
    norm: string,
    inC: number,
    outC: number,
    kernel: number,
    stride: number,
  ): string {
    return this.batchNorm(this.conv(x, conv, inC, outC, kernel, stride), norm, outC);
  }

  block(x: string, name: string, inC: number, width: number, stride: number): string {
    const outC = width * this.expansion;
    let y = x;
    if (this.config.block === 'basic') {
      y = this.relu(this.convBatchNorm(y, `${name}.conv1`, `${name}.bn1`, inC, width, 3, stride));
      y = this.convBatchNorm(y, `${name}.conv2`, `${name}.bn2`, width, outC, 3, 1);
    } else {
      y = this.relu(this.convBatchNorm(y, `${name}.conv1`, `${name}.bn1`, inC, width, 1, 1));
      y = this.relu(this.convBatchNorm(y, `${name}.conv2`, `${name}.bn2`, width, width, 3, stride));
      y = this.convBatchNorm(y, `${name}.conv3`, `${name}.bn3`, width, outC, 1, 1);
    }
    const reduction = this.config.squeezeExcitation?.reduction;
    if (reduction !== undefined) y = this.squeezeExcitation(y, `${name}.se`, outC, reduction);
    let shortcut = x;
    if (stride !== 1 || inC !== outC) {
      shortcut = this.convBatchNorm(x, `${name}.downsample.0`, `${name}.downsample.1`, inC, outC, 1, stride);
    }
    return this.relu(this.builder.node('Add', [y, shortcut], {}, { name: `${name}.add` }));
  }

  squeezeExcitation(x: string, name: string, channels: number, reduction: number): string {
    const squeezed = Math.max(1, Math.floor(channels / reduction));
    let gate = this.builder.node('GlobalAveragePool', [x], {}, { name: `${name}.pool` });
    gate = this.relu(this.conv(gate, `${name}.fc1`, channels, squeezed, 1, 1, true));
    gate = this.conv(gate, `${name}.fc2`, squeezed, channels, 1, 1, true);
    gate = this.builder.node('Sigmoid', [gate], {}, { name: `${name}.gate` });
    return this.builder.node('Mul', [x, gate], {}, { name: `${name}.scale` });
  }
}
