import { UserError } from '../../core/errors.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import type { QuantizeOptions, QuantizeReport } from './options.ts';

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
  throw new UserError(`int8 export of ${graph.name} (${options.method ?? 'mse'}) is being built`);
}
