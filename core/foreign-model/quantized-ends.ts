import { UserError } from '../errors.ts';
import type { DataType, Graph, GraphNode } from '../onnx/graph.ts';
import { constantValue } from '../onnx/operators/constants.ts';
import { operatorOf } from '../onnx/operators/index.ts';

/** What whole numbers stand for: (q - zeroPoint) * scale. */
export interface Quantization {
  scale: number;
  zeroPoint: number;
}

/** Hands its first input on in another form, and of the same type. */
function handsOn(node: GraphNode): boolean {
  const operator = operatorOf(node);
  return operator?.moves === 'all' && !operator.types;
}

/**
 * What the bytes mean that a quantised model takes, read off the operators that they go to: DequantizeLinear, or
 * one of onnxruntime's that compute with them (QLinearConv, ...).
 * @returns undefined if the graph does not say, or does so in several ways
 */
export function inputQuantization(graph: Graph, input: string): Quantization | undefined {
  const readers = graph.nodes.filter(({ inputs }) => inputs.includes(input));
  const said = readers.map((node) => {
    if (handsOn(node)) return inputQuantization(graph, node.outputs[0]!);
    const isFirst = node.inputs[0] === input;
    return isFirst && (node.op === 'DequantizeLinear' || isQuantizedOperator(node))
      ? quantizationOf(graph, node.inputs[1], node.inputs[2])
      : undefined;
  });
  const [first] = said;
  const agree = said.every((each) => each?.scale === first?.scale && each?.zeroPoint === first?.zeroPoint);
  return agree ? first : undefined;
}

/** What the bytes mean that a quantised model gives, as {@link inputQuantization}. */
export function outputQuantization(graph: Graph, output: string): Quantization | undefined {
  const node = graph.nodes.find(({ outputs }) => outputs.includes(output));
  if (!node) return undefined;
  if (handsOn(node)) return outputQuantization(graph, node.inputs[0]!);
  if (node.op === 'QuantizeLinear') return quantizationOf(graph, node.inputs[1], node.inputs[2]);
  // Of these the last two inputs are what their output means.
  return isQuantizedOperator(node)
    ? quantizationOf(graph, node.inputs.at(-2), node.inputs.at(-1))
    : undefined;
}

function isQuantizedOperator({ op }: GraphNode): boolean {
  return op.startsWith('QLinear') || op === 'QGemm';
}

function quantizationOf(graph: Graph, scale?: string, zeroPoint?: string): Quantization | undefined {
  const one = (name: string | undefined, fallback?: number): number | undefined => {
    if (!name) return fallback;
    const tensor =
      graph.initializers.get(name) ?? constantValue(graph.nodes.find(({ outputs }) => outputs[0] === name));
    return tensor?.data.length === 1 ? Number(tensor.data[0]) : undefined;
  };
  const [step, zero] = [one(scale), one(zeroPoint, 0)];
  return step === undefined || zero === undefined ? undefined : { scale: step, zeroPoint: zero };
}

const RANGES: Partial<Record<DataType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  int32: [-(2 ** 31), 2 ** 31 - 1],
};

/** What preprocessing gives: the least and the largest value, and how far apart those of neighbouring bytes are. */
export interface GivenValues {
  min: number;
  max: number;
  step: number;
}

/** Whether real values are such as a quantised model of that type can take. */
export function fitQuantization(
  dtype: DataType,
  { scale, zeroPoint }: Quantization,
  given: GivenValues,
): boolean {
  const [least, largest] = [given.min / scale + zeroPoint, given.max / scale + zeroPoint];
  // Calibrated on pictures, its range may be cut a little, or be wider than theirs.
  return isWithin(dtype, least, largest, 26) && largest - least > 16;
}

/** Whether values are whole numbers, as a model of them takes them; anything else it would round away. */
export function areWholeNumbers(dtype: DataType, { min, max, step }: GivenValues): boolean {
  // The computation may miss whole numbers by some.
  return !(dtype in RANGES) || (Math.abs(step - 1) < 1e-3 && isWithin(dtype, min, max, 0.01));
}

/**
 * Why a model of whole numbers cannot take what preprocessing gives.
 * @param quantization what its numbers mean, if it says so
 */
export function notWholeNumbers(
  dtype: DataType,
  { min, max }: GivenValues,
  quantization: Quantization | undefined,
  source: string,
): UserError {
  const range = RANGES[dtype]!;
  const real = quantization && range.map((q) => read((q - quantization.zeroPoint) * quantization.scale));
  const what = real
    ? `quantised values of ${real[0]} to ${real[1]}`
    : `whole numbers from ${range[0]} to ${range[1]}`;
  const bytes =
    dtype === 'int8' ? 'for bytes less 128 they are 128, 1 and 1' : 'leave them out for bytes as they are';
  const mend = quantization ? `give such that fit, or ${bytes}` : bytes;
  return new UserError(
    `${source}: its input takes ${dtype}, ${what}, but "mean", "std" and "scale" in its JSON file give ` +
      `${read(min)} to ${read(max)}; ${mend}`,
  );
}

function isWithin(dtype: DataType, least: number, largest: number, slack: number): boolean {
  const [from, to] = RANGES[dtype] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return least >= from - slack && largest <= to + slack;
}

function read(value: number): string {
  return String(Number(value.toPrecision(4)));
}
