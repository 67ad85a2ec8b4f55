import { GraphBuilder } from '../../core/onnx/builder.ts';
import { type Graph, type GraphNode, int, type TensorValue } from '../../core/onnx/graph.ts';
import { type QuantizedOperator, quantizedOperator } from './operators.ts';
import type { QuantizationPlan } from './plan.ts';
import type { ActivationParameters } from './quantization-parameters.ts';
import { quantizeWeight } from './quantize-weight.ts';

/** A quantised activation in the graph being built. */
interface QuantizedValue {
  /** The uint8 value, its scale, its zero point, and the float32 value read from it. */
  quantized: string;
  scale: string;
  zeroPoint: string;
  dequantized: string;
  parameters: ActivationParameters;
}

/**
 * Writes a planned quantisation as a graph in QDQ form: every quantised activation goes through a
 * QuantizeLinear and a DequantizeLinear, weights and biases are int8 and int32 initializers behind a
 * DequantizeLinear, and operators stay the float ones. A runtime that fuses nothing computes the same
 * function in float32.
 * @param parameters of every value that `plan.scaleOf` maps to
 * @param weightLimit the largest magnitude of a quantised weight
 */
export function insertQdq(
  plan: QuantizationPlan,
  parameters: ReadonlyMap<string, ActivationParameters>,
  weightLimit: number,
): Graph {
  return new QdqWriter(plan, parameters, weightLimit).write();
}

class QdqWriter {
  readonly #source: Graph;
  readonly #plan: QuantizationPlan;
  readonly #parameters: ReadonlyMap<string, ActivationParameters>;
  readonly #weightLimit: number;
  readonly #builder: GraphBuilder;
  readonly #values = new Map<string, QuantizedValue>();

  constructor(
    plan: QuantizationPlan,
    parameters: ReadonlyMap<string, ActivationParameters>,
    weightLimit: number,
  ) {
    this.#plan = plan;
    this.#source = plan.graph;
    this.#parameters = parameters;
    this.#weightLimit = weightLimit;
    const { name, inputs, outputs, initializers } = plan.graph;
    const graph = { name, inputs: [...inputs], outputs: [...outputs], nodes: [], initializers };
    this.#builder = new GraphBuilder({ ...graph, initializers: new Map(initializers) });
  }

  write(): Graph {
    const { graph } = this.#builder;
    for (const input of this.#source.inputs) this.#quantizeValue(input.name);
    for (const node of this.#source.nodes) {
      const operator = quantizedOperator(node, this.#source);
      const inputs = node.inputs.map((input) => this.#values.get(input)?.dequantized ?? input);
      if (operator?.channelAxis !== undefined) this.#dequantizeWeights(node, operator, inputs);
      graph.nodes.push({ ...node, inputs });
      for (const output of node.outputs) this.#quantizeValue(output);
    }
    const read = new Set(graph.nodes.flatMap((node) => node.inputs));
    for (const name of [...graph.initializers.keys()]) if (!read.has(name)) graph.initializers.delete(name);
    return graph;
  }

  /** Adds the pair of nodes after a value, if it is to be quantised. */
  #quantizeValue(name: string): void {
    const scaledAs = this.#plan.scaleOf.get(name);
    if (scaledAs === undefined) return;
    const b = this.#builder;
    const shared = this.#values.get(scaledAs);
    const parameters = shared?.parameters ?? this.#parameters.get(scaledAs)!;
    const scale = shared?.scale ?? b.initializer(b.unique(`${name}.scale`), scalar(parameters.scale));
    const zeroPoint =
      shared?.zeroPoint ?? b.initializer(b.unique(`${name}.zero_point`), byte(parameters.zeroPoint));
    const quantized = b.node('QuantizeLinear', [name, scale, zeroPoint], {}, { name: `${name}.quantized` });
    const dequantized = this.#dequantize(quantized, scale, zeroPoint, name);
    this.#values.set(name, { quantized, scale, zeroPoint, dequantized, parameters });
  }

  #dequantizeWeights(node: GraphNode, operator: QuantizedOperator, inputs: string[]): void {
    const b = this.#builder;
    const [, weightName = '', biasName = ''] = node.inputs;
    const axis = operator.channelAxis!;
    const input = this.#values.get(node.inputs[0]!)!;
    const constant = (name: string) => this.#source.initializers.get(name);
    const { weight, scale, bias } = quantizeWeight(
      constant(weightName)!,
      constant(biasName),
      axis,
      input.parameters.scale,
      this.#weightLimit,
    );
    const add = (name: string, tensor: TensorValue) => b.initializer(b.unique(name), tensor);
    const scaleName = add(`${weightName}.scale`, scale);
    const zeros: TensorValue = { dtype: 'int8', dims: scale.dims, data: new Int8Array(scale.data.length) };
    inputs[1] = b.node(
      'DequantizeLinear',
      [add(`${weightName}.quantized`, weight), scaleName, add(`${weightName}.zero_point`, zeros)],
      { axis: int(axis) },
      { name: `${weightName}.dequantized` },
    );
    if (!bias) return;
    const biasScale = Float32Array.from(
      scale.data as Float32Array,
      (value) => value * input.parameters.scale,
    );
    inputs[2] = b.node(
      'DequantizeLinear',
      [
        add(`${biasName}.quantized`, bias),
        add(`${biasName}.scale`, { dtype: 'float32', dims: scale.dims, data: biasScale }),
      ],
      { axis: int(0) },
      { name: `${biasName}.dequantized` },
    );
  }

  #dequantize(quantized: string, scale: string, zeroPoint: string, name: string): string {
    const inputs = [quantized, scale, zeroPoint];
    return this.#builder.node('DequantizeLinear', inputs, {}, { name: `${name}.dequantized` });
  }
}

function scalar(value: number): TensorValue {
  return { dtype: 'float32', dims: [], data: Float32Array.of(value) };
}

function byte(value: number): TensorValue {
  return { dtype: 'uint8', dims: [], data: Uint8Array.of(value) };
}
