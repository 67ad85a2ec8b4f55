import { UserError } from '../../core/errors.ts';
import type { Graph } from '../../core/onnx/graph.ts';
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
  const fine = enlargedImages(graph);
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
 * Images that the graph itself enlarges. Between two pixels they have values that 256 levels round away, of which a
 * first layer makes edges: on images of 32 pixels enlarged to 128, that alone changed the best class of EfficientNet-Lite0
 * on 13 of 100. What reads them computes in float32.
 */
function enlargedImages({ inputs, nodes }: Graph): Set<string> {
  const images = new Set(inputs.map(({ name }) => name));
  const resized = nodes.filter(({ op, inputs: [image = ''] }) => op === 'Resize' && images.has(image));
  return new Set(resized.map(({ outputs }) => outputs[0]!));
}

function countOperators({ graph, isFloat }: QuantizationPlan): Pick<QuantizeReport, 'quantized' | 'float'> {
  const quantized: Record<string, number> = {};
  const float: Record<string, number> = {};
  for (const node of graph.nodes) {
    const counts = quantizedOperator(node, graph, isFloat) ? quantized : float;
    counts[node.op] = (counts[node.op] ?? 0) + 1;
  }
  return { quantized, float };
}
