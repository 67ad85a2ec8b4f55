import { UserError } from '../../core/errors.ts';
import { type Graph, type GraphNode, intAttribute } from '../../core/onnx/graph.ts';
import { quantizedOperator } from '../../core/onnx/operators/index.ts';
import { chooseRange } from './calibrate/choose-range.ts';
import { collectHistograms, floatValues } from './calibrate/collect.ts';
import { insertQdq } from './insert-qdq.ts';
import { DEFAULT_METHOD, type QuantizeOptions, type QuantizeReport } from './options.ts';
import { planQuantization, type QuantizationPlan } from './plan.ts';
import { activationParameters, REDUCED_WEIGHT_LIMIT, WEIGHT_LIMIT } from './quantize-weight.ts';

export const DEFAULT_PERCENTILE = 99.999;

/**
 * Static int8 quantisation of a classifier: weights per output channel, symmetric; activations per tensor,
 * their ranges calibrated by running the graph on images; biases int32. The result is in QDQ form
 * (QuantizeLinear / DequantizeLinear pairs around float operators), which onnxruntime fuses into integer
 * kernels.
 * @param graph a float32 graph with batch norm folded (`foldBatchNorm`); not changed
 * @returns a graph with the same inputs and outputs (names, float32, dynamic batch). The same graph, images
 *   and options give the same bytes.
 * @throws UserError if there are no calibration images or an option is out of range
 */
export async function quantizeModel(
  graph: Graph,
  options: QuantizeOptions,
): Promise<{ graph: Graph; report: QuantizeReport }> {
  const { method = DEFAULT_METHOD, percentile = DEFAULT_PERCENTILE, reduceRange = false } = options;
  if (!(percentile > 0 && percentile <= 100)) {
    throw new UserError(`the percentile is above 0 and at most 100, not ${percentile}`);
  }
  const { foreign } = options;
  const fine = fineValues(graph);
  const isFloat = foreign && (await floatValues(graph, foreign));
  const plan = planQuantization(graph, (name) => !fine.has(name) && (isFloat?.(name) ?? true));
  const calibrated = [...new Set(plan.scaleOf.values())];
  const { histograms, means, images } = await collectHistograms(graph, calibrated, options.batches(), {
    threads: options.threads,
    foreign,
    onProgress: (done) => options.onProgress?.(done, 1, 1),
  });
  const parameters = new Map(
    calibrated.map((name) => [
      name,
      activationParameters(chooseRange(histograms.get(name)!, method, percentile)),
    ]),
  );
  const quantized = insertQdq(plan, parameters, means, reduceRange ? REDUCED_WEIGHT_LIMIT : WEIGHT_LIMIT);
  return {
    graph: quantized,
    report: {
      method,
      weightBits: reduceRange ? 7 : 8,
      calibrationImages: images,
      ...countOperators(plan),
    },
  };
}

/**
 * Images that the graph itself enlarges, and what the cheap layers at the front of a mobile net make of them. Between two
 * pixels they have values that 256 levels round away, of which a first layer makes edges: on images of 32 pixels enlarged
 * to 128, that alone changed the best class of EfficientNet-Lite0 on 13 of 100; enlarged to 160, its first layer's values
 * in 8 bits on 4 of 100. What reads them computes in float32: a first convolution, then depthwise ones and those that
 * narrow, and what reads these, 4 of the 49.
 */
function fineValues({ inputs, nodes, initializers }: Graph): Set<string> {
  const images = new Set(inputs.map(({ name }) => name));
  const resized = nodes.filter(({ op, inputs: [image = ''] }) => op === 'Resize' && images.has(image));
  const enlarged = new Set(resized.map(({ outputs }) => outputs[0]!));
  const fine = new Set(enlarged);
  if (fine.size === 0) return fine;
  const readers = (name: string) => nodes.filter((node) => node.inputs.includes(name));
  const shape = (node: GraphNode) => {
    const [outputs = 0, inputsOfGroup = 0] = initializers.get(node.inputs[1] ?? '')?.dims ?? [];
    const group = intAttribute(node, 'group', 1);
    return { outputs, inputs: inputsOfGroup * group, isDepthwise: group > 1 && inputsOfGroup === 1 };
  };
  const narrows = (node: GraphNode): boolean => {
    const { outputs, inputs } = shape(node);
    return node.op === 'Conv' && outputs < inputs;
  };
  const isCheap = (node: GraphNode): boolean =>
    node.op === 'Conv' && (shape(node).isDepthwise || narrows(node));
  /** Whether only such layers read a value, behind an activation or not. */
  const leadsToCheap = (name: string): boolean => {
    const next = readers(name);
    return (
      next.length > 0 &&
      next.every((node) => isCheap(node) || (ACTIVATIONS.has(node.op) && leadsToCheap(node.outputs[0]!)))
    );
  };
  for (const node of nodes) {
    const isFirst = node.op === 'Conv' && enlarged.has(node.inputs[0]!);
    if (!fine.has(node.inputs[0]!) || !(isFirst || isCheap(node) || ACTIVATIONS.has(node.op))) continue;
    const [made] = node.outputs as [string];
    if (narrows(node) || leadsToCheap(made)) fine.add(made);
  }
  return fine;
}

const ACTIVATIONS = new Set(['Relu', 'Clip', 'LeakyRelu', 'HardSwish']);

function countOperators({ graph, isFloat }: QuantizationPlan): Pick<QuantizeReport, 'quantized' | 'float'> {
  const quantized: Record<string, number> = {};
  const float: Record<string, number> = {};
  for (const node of graph.nodes) {
    const counts = quantizedOperator(node, graph, isFloat) ? quantized : float;
    counts[node.op] = (counts[node.op] ?? 0) + 1;
  }
  return { quantized, float };
}
