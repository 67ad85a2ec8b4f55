import { GraphBuilder } from '../../core/onnx/builder.ts';
import {
  type Graph,
  type GraphNode,
  int,
  intAttribute,
  sizeOf,
  type TensorValue,
} from '../../core/onnx/graph.ts';
import { quantizedOperator } from '../../core/onnx/operators/index.ts';
import type { QuantizationPlan } from './plan.ts';
import { type ActivationParameters, quantizeWeight } from './quantize-weight.ts';

/**
 * Writes a planned quantisation as a graph in QDQ form: every quantised activation goes through a
 * QuantizeLinear and a DequantizeLinear, weights and biases are int8 and int32 initializers behind a
 * DequantizeLinear, and operators stay the float ones. A runtime that fuses nothing computes the same
 * function in float32.
 * @param parameters of every value that `plan.scaleOf` maps to
 * @param means of the channels of these, in float32
 * @param weightLimit the largest magnitude of a quantised weight
 */
export function insertQdq(
  plan: QuantizationPlan,
  parameters: ReadonlyMap<string, ActivationParameters>,
  means: ReadonlyMap<string, Float64Array>,
  weightLimit: number,
): Graph {
  return new QdqWriter(plan, parameters, means, weightLimit).write();
}

/** Names of a quantised activation in the graph being written. */
interface QuantizedValue {
  /** The uint8 value. */
  quantized: string;
  scale: string;
  zeroPoint: string;
  /** What float32 operators read, once one does. */
  dequantized?: string;
}

class QdqWriter {
  readonly #source: Graph;
  readonly #builder: GraphBuilder;
  readonly #values = new Map<string, QuantizedValue>();

  constructor(
    readonly plan: QuantizationPlan,
    readonly parameters: ReadonlyMap<string, ActivationParameters>,
    readonly means: ReadonlyMap<string, Float64Array>,
    readonly weightLimit: number,
  ) {
    this.#source = plan.graph;
    this.#builder = new GraphBuilder({
      ...plan.graph,
      nodes: [],
      initializers: new Map(plan.graph.initializers),
    });
  }

  write(): Graph {
    const { graph } = this.#builder;
    for (const input of this.#source.inputs) this.#quantize(input.name);
    for (const node of this.#source.nodes) {
      const operator = quantizedOperator(node, this.#source, this.plan.isFloat);
      const inputs =
        operator?.channelAxis === undefined
          ? node.inputs.map((name) => this.#read(name))
          : this.#layerInputs(node, operator.channelAxis);
      graph.nodes.push({ ...node, inputs });
      for (const output of node.outputs) this.#quantize(output);
    }
    const read = new Set(graph.nodes.flatMap((node) => node.inputs));
    for (const name of [...graph.initializers.keys()]) if (!read.has(name)) graph.initializers.delete(name);
    return graph;
  }

  /** Adds the QuantizeLinear of a value, if it is to be quantised. */
  #quantize(name: string): void {
    const scaledAs = this.plan.scaleOf.get(name);
    if (scaledAs === undefined) return;
    const { scale, zeroPoint } = this.#values.get(scaledAs) ?? this.#addParameters(scaledAs);
    const options = { name: `${name}.quantized` };
    const quantized = this.#builder.node('QuantizeLinear', [name, scale, zeroPoint], {}, options);
    this.#values.set(name, { quantized, scale, zeroPoint });
  }

  #addParameters(name: string): Pick<QuantizedValue, 'scale' | 'zeroPoint'> {
    const { scale, zeroPoint } = this.parameters.get(name)!;
    return {
      scale: this.#add(`${name}.scale`, { dtype: 'float32', dims: [], data: Float32Array.of(scale) }),
      zeroPoint: this.#add(`${name}.zero_point`, {
        dtype: 'uint8',
        dims: [],
        data: Uint8Array.of(zeroPoint),
      }),
    };
  }

  /** The name that a float32 operator reads a value by. */
  #read(name: string): string {
    const value = this.#values.get(name);
    if (!value) return name;
    value.dequantized ??= this.#dequantize(name, value.quantized, value.scale, value.zeroPoint);
    return value.dequantized;
  }

  /** The inputs of a layer: the activation, and its weight and bias quantised. */
  #layerInputs(node: GraphNode, channelAxis: number): string[] {
    const [inputName = '', weightName = '', biasName = ''] = node.inputs;
    const constant = (name: string) => this.#source.initializers.get(name);
    const original = constant(weightName)!;
    const missing = missingChannels(node, original);
    const groups = intAttribute(node, 'group', 1);
    const inputScale = this.parameters.get(this.plan.scaleOf.get(inputName)!)!.scale;
    const { weight, scale, bias } = quantizeWeight(
      missing > 0 ? padWeight(original, missing) : original,
      constant(biasName),
      channelAxis,
      inputScale,
      this.weightLimit,
      { means: this.#channelMeans(inputName, groups * original.dims[1 - channelAxis]!), groups },
    );
    const zeros: TensorValue = { dtype: 'int8', dims: scale.dims, data: new Int8Array(scale.data.length) };
    const inputs = [
      missing > 0 ? this.#readPadded(inputName, missing, weight.dims.length) : this.#read(inputName),
      this.#dequantize(
        weightName,
        this.#add(`${weightName}.quantized`, weight),
        this.#add(`${weightName}.scale`, scale),
        this.#add(`${weightName}.zero_point`, zeros),
        channelAxis,
      ),
    ];
    if (bias) {
      const values = (scale.data as Float32Array).map((value) => value * inputScale);
      const biasScale = this.#add(`${biasName}.scale`, { ...scale, data: values });
      const quantized = this.#add(`${biasName}.quantized`, bias);
      inputs.push(this.#dequantize(biasName, quantized, biasScale, '', 0));
    }
    return inputs;
  }

  /** Means of what a layer reads; undefined where they are not those of its channels, as behind a pooling. */
  #channelMeans(name: string, channels: number): Float64Array | undefined {
    const source = this.plan.scaleOf.get(name)!;
    const producer = this.#source.nodes.find(({ outputs }) => outputs.includes(name));
    const flattened = producer?.op === 'Flatten' && producer.inputs[0] === source;
    const means = source === name || flattened ? this.means.get(source) : undefined;
    // A flattened image has more features than channels.
    return means?.length === channels ? means : undefined;
  }

  /** A value with channels of zeros behind its own, padded as bytes. */
  #readPadded(name: string, channels: number, rank: number): string {
    const { quantized, scale, zeroPoint } = this.#values.get(name)!;
    const pads = this.#builder.int64(channelPads(channels, rank));
    const padded = this.#builder.node('Pad', [quantized, pads, zeroPoint], {}, { name: `${name}.padded` });
    return this.#dequantize(name, padded, scale, zeroPoint);
  }

  #dequantize(name: string, quantized: string, scale: string, zeroPoint: string, axis?: number): string {
    const inputs = zeroPoint === '' ? [quantized, scale] : [quantized, scale, zeroPoint];
    const attributes = axis === undefined ? {} : { axis: int(axis) };
    const options = { name: `${name}.dequantized` };
    return this.#builder.node('DequantizeLinear', inputs, attributes, options);
  }

  #add(name: string, tensor: TensorValue): string {
    return this.#builder.initializer(this.#builder.unique(name), tensor);
  }
}

/**
 * onnxruntime's direct int8 convolution (MLAS `MlasConvSym`) takes input channels in fours; any other number
 * goes through im2col, which for the three colours of a first layer takes nearly twice as long.
 */
const CHANNEL_BLOCK = 4;

/** How many channels of zeros a convolution's input should get; 0 for other nodes, and for groups. */
function missingChannels(node: GraphNode, weight: TensorValue): number {
  if (node.op !== 'Conv' || intAttribute(node, 'group', 1) !== 1) return 0;
  return -weight.dims[1]! & (CHANNEL_BLOCK - 1);
}

/** A convolution's weight for an input of so many channels more, which have no effect. */
function padWeight(weight: TensorValue, channels: number): TensorValue {
  const [outputs = 0, inputs = 0, ...kernel] = weight.dims;
  const values = weight.data as Float32Array;
  const from = inputs * sizeOf(kernel);
  const to = (inputs + channels) * sizeOf(kernel);
  const data = new Float32Array(outputs * to);
  for (let o = 0; o < outputs; o++) data.set(values.subarray(o * from, (o + 1) * from), o * to);
  return { dtype: 'float32', dims: [outputs, inputs + channels, ...kernel], data };
}

/** The `pads` of a Pad node that puts channels behind those of an image batch of this many dimensions. */
function channelPads(channels: number, rank: number): number[] {
  const pads = new Array<number>(2 * rank).fill(0);
  pads[rank + 1] = channels;
  return pads;
}
