import { type Graph, ints } from '../onnx/graph.ts';
import { LayerBuilder, type ModelOptions } from './layers.ts';

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
  /** `imagenet`: 7x7 conv of stride 2 and max-pooling, for large images; left out: a 3x3 conv, for small ones. */
  stem?: 'imagenet';
  /** Squeeze-and-excitation in every block, with this reduction (Hu et al. 2018, arXiv:1709.01507). */
  squeezeExcitation?: { reduction: number };
}

/**
 * Emits a ResNet (He et al. 2016, arXiv:1512.03385): stem, blocks with the stride on the 3x3 conv of a stage's
 * first block, projection shortcuts (1x1 conv + batch norm) where the shape changes.
 * Input `input` [batch, 3, size, size] (default: 32 pixels, with ImageNet's stem 224), output `logits`
 * [batch, numClasses]; parameters are named as in torchvision. Convs and the classifier are zero until
 * `initializeParameters` fills them.
 */
export function buildResNet(config: ResNetConfig, options: ModelOptions): Graph {
  const net = new ResNetBuilder(config);
  let x = net.stem(net.input(options.imageSize ?? (config.stem === 'imagenet' ? 224 : 32)));
  let channels = config.stemWidth;
  config.depths.forEach((depth, stage) => {
    for (let index = 0; index < depth; index++) {
      const stride = index === 0 && stage > 0 ? 2 : 1;
      const width = config.widths[stage]!;
      x = net.block(x, `layer${stage + 1}.${index}`, channels, width, stride);
      channels = width * net.expansion;
    }
  });
  return net.classifier(net.pooled(x), 'fc', channels, options.numClasses);
}

/** The blocks a ResNet is made of, each under its torchvision name. */
class ResNetBuilder extends LayerBuilder {
  readonly expansion: number;

  constructor(readonly config: ResNetConfig) {
    super(config.name);
    this.expansion = config.block === 'bottleneck' ? 4 : 1;
  }

  stem(image: string): string {
    const { stem, stemWidth } = this.config;
    const large = stem === 'imagenet';
    const options = large ? { kernel: 7, stride: 2 } : { kernel: 3 };
    const x = this.#relu(this.convBatchNorm(image, ['conv1', 'bn1'], 3, stemWidth, options));
    if (!large) return x;
    const window = { kernel_shape: ints([3, 3]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) };
    return this.builder.node('MaxPool', [x], window, { name: 'maxpool' });
  }

  block(x: string, name: string, inC: number, width: number, stride: number): string {
    const outC = width * this.expansion;
    const layer = (x: string, index: number, from: number, to: number, kernel: number, stride: number) =>
      this.convBatchNorm(x, [`${name}.conv${index}`, `${name}.bn${index}`], from, to, { kernel, stride });
    let y = x;
    if (this.config.block === 'basic') {
      y = this.#relu(layer(y, 1, inC, width, 3, stride));
      y = layer(y, 2, width, outC, 3, 1);
    } else {
      y = this.#relu(layer(y, 1, inC, width, 1, 1));
      y = this.#relu(layer(y, 2, width, width, 3, stride));
      y = layer(y, 3, width, outC, 1, 1);
    }
    const reduction = this.config.squeezeExcitation?.reduction;
    if (reduction !== undefined) {
      const squeezed = Math.max(1, Math.floor(outC / reduction));
      y = this.squeezeExcitation(y, outC, squeezed, 'Sigmoid', { name: `${name}.se` });
    }
    let shortcut = x;
    if (stride !== 1 || inC !== outC) {
      const names = [`${name}.downsample.0`, `${name}.downsample.1`] as const;
      shortcut = this.convBatchNorm(x, names, inC, outC, { stride });
    }
    return this.#relu(this.builder.node('Add', [y, shortcut], {}, { name: `${name}.add` }));
  }

  #relu(x: string): string {
    return this.activation(x, 'relu');
  }
}
