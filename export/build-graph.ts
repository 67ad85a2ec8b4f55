import { UserError } from '../core/errors.ts';
import type { ClassifierMetadata } from '../core/model-metadata.ts';
import type { Graph } from '../core/onnx/graph.ts';
import { fixBatch } from '../core/onnx/passes/fix-batch.ts';
import { foldBatchNorm } from '../core/onnx/passes/fold-batch-norm.ts';
import { takeNhwcInput } from '../core/onnx/passes/nhwc-input.ts';
import { pixelsToTopK } from '../core/onnx/passes/pixels-to-top-k.ts';
import { convertToFloat16 } from '../core/onnx/passes/to-float16.ts';
import { evaluationBatches } from '../core/preprocess/evaluation-batches.ts';
import { isKnownDataset } from './load-split.ts';
import type { ExportOptions } from './options.ts';
import { picturesFor } from './pictures.ts';
import { DEFAULT_CALIBRATION_IMAGES, type QuantizeReport } from './quantize/options.ts';
import { quantizeModel } from './quantize/quantize-model.ts';

const CALIBRATION_BATCH = 20;
/** The operator set that HardSwish came with. */
const HARD_SWISH_OPSET = 14;

/**
 * Makes the graph that is exported of the one that was trained: batch norm folded (unless it is to be kept), in the precision and with the
 * inputs and outputs asked for.
 * @param trained float32, NCHW to logits; its weights are overwritten
 * @param metadata of the exported model
 */
export async function buildGraph(
  trained: Graph,
  metadata: ClassifierMetadata,
  options: ExportOptions,
): Promise<{ graph: Graph; quantization?: QuantizeReport }> {
  const tooNew = trained.nodes.find(({ op }) => op === 'HardSwish');
  if (tooNew && options.opset !== undefined && options.opset < HARD_SWISH_OPSET) {
    throw new UserError(
      `--opset ${options.opset} has no HardSwish, which ${metadata.model} has; give ${HARD_SWISH_OPSET} or more`,
    );
  }
  const folded = options.keepBatchNorm ? trained : foldBatchNorm(trained, { inPlace: true });
  const { graph: core, report } = await inPrecision(folded, metadata, options);
  const graph = withInterface(core, metadata, options);
  return {
    graph: options.batch === undefined ? graph : fixBatch(graph, options.batch),
    ...(report ? { quantization: report } : {}),
  };
}

async function inPrecision(
  graph: Graph,
  metadata: ClassifierMetadata,
  options: ExportOptions,
): Promise<{ graph: Graph; report?: QuantizeReport }> {
  if (metadata.precision === 'fp16') return { graph: convertToFloat16(graph) };
  if (metadata.precision === 'int8') return quantize(graph, metadata, options);
  return { graph };
}

async function quantize(
  graph: Graph,
  metadata: ClassifierMetadata,
  options: ExportOptions,
): Promise<{ graph: Graph; report: QuantizeReport }> {
  const { images = DEFAULT_CALIBRATION_IMAGES, method } = options.calibration ?? {};
  const set = await picturesFor(metadata, 'train', images, options);
  if (!set) {
    throw new UserError(
      `int8 is calibrated on training images of ${metadata.dataset}, which are not found; give --data DIR` +
        (isKnownDataset(metadata.dataset) ? '' : ' with some hundred pictures such as it is for'),
    );
  }
  const calibration = {
    count: set.count,
    images: set.pixels,
    labels: set.labels ?? new Uint16Array(set.count),
  };
  return quantizeModel(graph, {
    batches: () => evaluationBatches(calibration, metadata, CALIBRATION_BATCH),
    method,
    reduceRange: options.reduceRange,
    onProgress: (done, pass, passes) =>
      options.onProgress?.('calibrate', (pass - 1) * set.count + done, passes * set.count),
  });
}

export const DEFAULT_TOP_K = 5;

function withInterface(graph: Graph, metadata: ClassifierMetadata, options: ExportOptions): Graph {
  if (metadata.preprocessing === 'graph') {
    const k = options.topK ?? Math.min(DEFAULT_TOP_K, metadata.labels.length);
    return pixelsToTopK(graph, metadata, k);
  }
  return metadata.inputLayout === 'NHWC' ? takeNhwcInput(graph) : graph;
}
