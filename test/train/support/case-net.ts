import { GraphBuilder } from '../../../core/onnx/builder.ts';
import {
  type Attribute,
  type DataType,
  float,
  floatTensor,
  type Graph,
  int,
  ints,
  sizeOf,
  str,
} from '../../../core/onnx/graph.ts';
import { Random } from '../../../core/random.ts';
import { evaluateNode, type Tensor64, type Values } from './reference.ts';

export interface ConvOptions {
  stride?: number | [number, number];
  pads?: number | [number, number, number, number];
  bias?: boolean;
  group?: number;
  dilation?: number | [number, number];
  /** Instead of `pads`. */
  autoPad?: 'SAME_UPPER' | 'SAME_LOWER' | 'VALID' | 'NOTSET';
}

/**
 * A small graph under construction with random inputs and weights. Every node is computed by the reference as
 * it is added, so that helpers know the shapes, and so that a graph too near a kink of ReLU is noticed.
 */
export class CaseNet {
  readonly #builder = new GraphBuilder('case');
  /** Inputs and initializers. */
  readonly given: Values = new Map();
  /** Running statistics: no function of training depends on them. */
  readonly buffers = new Set<string>();
  /** Initializers that nothing is differentiated by. */
  readonly constants = new Set<string>();
  /** The smallest distance of a ReLU's input from zero, and between two values of an image's channel that are pooled. */
  kinkMargin = Number.POSITIVE_INFINITY;
  readonly #values: Values = new Map();
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  get graph(): Graph {
    return this.#builder.graph;
  }

  dims(name: string): readonly number[] {
    return this.#values.get(name)!.dims;
  }

  input(dims: readonly number[], options: { mean?: number; std?: number } = {}): string {
    const { mean = 0, std = 1 } = options;
    const name = this.#builder.input(this.#builder.unique('x'), 'float32', dims);
    return this.#give(name, dims, () => mean + std * this.#random.normal());
  }

  /** A parameter, normal with this standard deviation around `mean`. */
  weight(dims: readonly number[], std = 1, mean = 0): string {
    const name = this.#builder.unique('w');
    this.#give(name, dims, () => mean + std * this.#random.normal());
    const { data } = this.given.get(name)!;
    return this.#builder.initializer(name, floatTensor(dims, data));
  }

  /** Indices, sizes, axes or truth values. */
  integers(
    values: readonly number[],
    dims: readonly number[] = [values.length],
    dtype: DataType = 'int64',
  ): string {
    const name = this.#builder.unique('i');
    this.#give(name, dims, (i) => values[i]!);
    this.constants.add(name);
    const data = dtype === 'int64' ? BigInt64Array.from(values, BigInt) : Uint8Array.from(values);
    return this.#builder.initializer(name, { dtype, dims: [...dims], data });
  }

  /** A constant of float32. */
  floats(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const name = this.#builder.unique('c');
    this.#give(name, dims, (i) => values[i]!);
    this.constants.add(name);
    return this.#builder.initializer(name, floatTensor(dims, values));
  }

  node(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    return this.nodes(op, inputs, 1, attributes)[0]!;
  }

  nodes(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Record<string, Attribute> = {},
  ): string[] {
    const names = this.#builder.nodes(op, inputs, count, attributes);
    const values = evaluateNode(this.graph.nodes.at(-1)!, this.#values);
    for (const [i, name] of names.entries()) this.#values.set(name, values[i]!);
    if (op === 'Relu') {
      for (const input of this.#values.get(inputs[0]!)!.data) {
        this.kinkMargin = Math.min(this.kinkMargin, Math.abs(input));
      }
    }
    if (op === 'MaxPool') {
      const { dims, data } = this.#values.get(inputs[0]!)!;
      const pixels = sizeOf(dims.slice(2));
      for (let start = 0; start < data.length; start += pixels) {
        const sorted = data.slice(start, start + pixels).sort();
        for (let i = 1; i < pixels; i++) {
          this.kinkMargin = Math.min(this.kinkMargin, sorted[i]! - sorted[i - 1]!);
        }
      }
    }
    return names;
  }

  conv(x: string, channels: number, kernel: number | [number, number], options: ConvOptions = {}): string {
    const [kernelH, kernelW] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const { stride = 1, pads = 0, group = 1, dilation = 1, autoPad } = options;
    const inChannels = this.dims(x)[1]! / group;
    const dims = [channels, inChannels, kernelH, kernelW];
    const inputs = [x, this.weight(dims, Math.sqrt(1 / (inChannels * kernelH * kernelW)))];
    if (options.bias) inputs.push(this.weight([channels]));
    return this.node('Conv', inputs, {
      kernel_shape: ints([kernelH, kernelW]),
      strides: ints(typeof stride === 'number' ? [stride, stride] : stride),
      dilations: ints(typeof dilation === 'number' ? [dilation, dilation] : dilation),
      group: int(group),
      ...(autoPad
        ? { auto_pad: str(autoPad) }
        : { pads: ints(typeof pads === 'number' ? [pads, pads, pads, pads] : pads) }),
    });
  }

  norm(x: string, attributes: { epsilon?: number; momentum?: number } = {}): string {
    const channels = this.dims(x)[1]!;
    const inputs = [x, this.weight([channels], 0.3, 1), this.weight([channels], 0.5)];
    for (const mean of [0, 1]) {
      const name = this.weight([channels], 0.1, mean);
      this.buffers.add(name);
      inputs.push(name);
    }
    const { epsilon = 1e-5, momentum = 0.9 } = attributes;
    return this.node('BatchNormalization', inputs, { epsilon: float(epsilon), momentum: float(momentum) });
  }

  relu = (x: string): string => this.node('Relu', [x]);
  sigmoid = (x: string): string => this.node('Sigmoid', [x]);
  add = (x: string, y: string): string => this.node('Add', [x, y]);
  mul = (x: string, y: string): string => this.node('Mul', [x, y]);
  pool = (x: string): string => this.node('GlobalAveragePool', [x]);

  output(...names: string[]): void {
    for (const name of names) this.#builder.output(name, 'float32', this.dims(name));
  }

  #give(name: string, dims: readonly number[], draw: (i: number) => number): string {
    // What float32 cannot hold would be an error of the test, not of what it tests.
    const data = Float64Array.from({ length: sizeOf(dims) }, (_, i) => Math.fround(draw(i)));
    const tensor: Tensor64 = { dims, data };
    this.given.set(name, tensor);
    this.#values.set(name, tensor);
    return name;
  }
}

/** How near zero a ReLU's input may be: far from float32's rounding and from the finite differences' step. */
const KINK_MARGIN = 3e-5;

/** Builds with the first random seed that keeps clear of kinks, where there is no derivative. */
export function buildCase(build: (net: CaseNet) => void): CaseNet {
  for (let seed = 1; seed <= 100; seed++) {
    const net = new CaseNet(seed);
    build(net);
    if (net.kinkMargin > KINK_MARGIN) return net;
  }
  throw new Error('no seed keeps clear of kinks');
}
