import { GraphBuilder } from '../onnx/builder.ts';
import { float, floatTensor, type Graph, int, ints, sizeOf } from '../onnx/graph.ts';

export interface ModelOptions {
  numClasses: number;
  /** Input size in pixels; left out: what the net is usually fed with. */
  imageSize?: number | undefined;
}

/** PyTorch's batch norm, unless a net has another. */
const NORM = { epsilon: 1e-5, momentum: 0.1 };

export type Activation = 'relu' | 'relu6' | 'hardswish';

export interface ConvOptions {
  kernel?: number;
  stride?: number;
  groups?: number;
  bias?: boolean;
  /** Before each spatial dimension and after it; default: half of what the kernel is larger than one. */
  pads?: readonly [before: number, after: number];
}

/**
 * The layers that the zoo's nets are made of, emitted under the names that their parameters get. Convs and linear
 * layers are zero until `initializeParameters` fills them.
 */
export class LayerBuilder {
  readonly builder: GraphBuilder;

  /** @param norm of all batch norms; the momentum is PyTorch's, which weighs the new value */
  constructor(
    name: string,
    readonly norm: { epsilon: number; momentum: number } = NORM,
  ) {
    this.builder = new GraphBuilder(name);
  }

  /** The image: `input` [batch, 3, size, size]. */
  input(size: number): string {
    return this.builder.input('input', 'float32', ['batch', 3, size, size]);
  }

  zeros(name: string, dims: readonly number[]): string {
    // As it is, not copied: the system gives memory for it only where it is written to.
    const data = new Float32Array(sizeOf(dims));
    return this.builder.initializer(name, { dtype: 'float32', dims: [...dims], data });
  }

  filled(name: string, size: number, value: number): string {
    return this.builder.initializer(name, floatTensor([size], new Float32Array(size).fill(value)));
  }

  activation(x: string, kind: Activation): string {
    const options = { name: `${x}.${kind}` };
    if (kind === 'relu') return this.builder.node('Relu', [x], {}, options);
    if (kind === 'hardswish') return this.builder.node('HardSwish', [x], {}, options);
    return this.builder.node('Clip', [x, this.builder.float32(0), this.builder.float32(6)], {}, options);
  }

  /** @param name its node's, and its parameters' with `.weight` and `.bias` */
  conv(x: string, name: string, inC: number, outC: number, options: ConvOptions = {}): string {
    const { kernel = 1, stride = 1, groups = 1, bias = false } = options;
    const [before, after] = options.pads ?? [(kernel - 1) / 2, (kernel - 1) / 2];
    const inputs = [x, this.zeros(`${name}.weight`, [outC, inC / groups, kernel, kernel])];
    if (bias) inputs.push(this.zeros(`${name}.bias`, [outC]));
    const attributes = {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([before, before, after, after]),
      ...(groups === 1 ? {} : { group: int(groups) }),
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
    const { epsilon, momentum } = this.norm;
    // ONNX's momentum weighs the old value: PyTorch's 0.1 is 0.9 here.
    const attributes = { epsilon: float(epsilon), momentum: float(1 - momentum) };
    return this.builder.node('BatchNormalization', inputs, attributes, { name });
  }

  convBatchNorm(
    x: string,
    [conv, norm]: readonly [conv: string, norm: string],
    inC: number,
    outC: number,
    options: ConvOptions = {},
  ): string {
    return this.batchNorm(this.conv(x, conv, inC, outC, options), norm, outC);
  }

  /**
   * Squeeze-and-excitation (Hu et al. 2018, arXiv:1709.01507).
   * @param name its nodes' names begin with it
   * @param layers the convs' names
   */
  squeezeExcitation(
    x: string,
    channels: number,
    squeezed: number,
    gateOp: 'Sigmoid' | 'HardSigmoid',
    { name, layers = [`${name}.fc1`, `${name}.fc2`] }: { name: string; layers?: readonly [string, string] },
  ): string {
    let gate = this.builder.node('GlobalAveragePool', [x], {}, { name: `${name}.pool` });
    gate = this.activation(this.conv(gate, layers[0], channels, squeezed, { bias: true }), 'relu');
    gate = this.conv(gate, layers[1], squeezed, channels, { bias: true });
    // PyTorch's: x / 6 + 1 / 2.
    const slope = gateOp === 'HardSigmoid' ? { alpha: float(1 / 6), beta: float(0.5) } : {};
    gate = this.builder.node(gateOp, [gate], slope, { name: `${name}.gate` });
    return this.builder.node('Mul', [x, gate], {}, { name: `${name}.scale` });
  }

  /** @param parameters `<parameters>.weight` [outC, inC] and `.bias` */
  linear(x: string, parameters: string, inC: number, outC: number, name = parameters): string {
    const weight = this.zeros(`${parameters}.weight`, [outC, inC]);
    const bias = this.zeros(`${parameters}.bias`, [outC]);
    return this.builder.node('Gemm', [x, weight, bias], { transB: int(1) }, { name });
  }

  /** Pools an image to one number a channel, [batch, channels]. */
  pooled(x: string): string {
    return this.flattened(this.builder.node('GlobalAveragePool', [x], {}, { name: 'avgpool' }));
  }

  /** [batch, channels, 1, 1] to [batch, channels]. */
  flattened(x: string): string {
    return this.builder.node('Flatten', [x], { axis: int(1) }, { name: 'flatten' });
  }

  /** Ends the net in its classifier: output `logits` [batch, numClasses]. */
  classifier(x: string, parameters: string, inC: number, numClasses: number): Graph {
    this.linear(x, parameters, inC, numClasses, 'logits');
    this.builder.output('logits', 'float32', ['batch', numClasses]);
    return this.builder.graph;
  }
}
