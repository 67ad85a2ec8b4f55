import { initializeParameters } from '../../core/models/initialize.ts';
import { buildResNet } from '../../core/models/resnet.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { type Graph, sizeOf } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { foldBatchNorm } from '../../core/onnx/passes/fold-batch-norm.ts';
import { Random } from '../../core/random.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import type { CalibrationBatch } from '../../export/quantize/options.ts';

/** A net of the zoo as it is exported, with initial weights. */
export function floatNet(name: string, imageSize: number): Graph {
  return asExported(buildModel(name, { numClasses: 10, imageSize }));
}

/** A ResNet of bottleneck blocks as it is exported, smaller than those of the zoo. */
export function bottleneckNet(imageSize: number): Graph {
  const config = {
    name: 'bottleneck',
    block: 'bottleneck',
    depths: [2, 2],
    widths: [16, 24],
    stemWidth: 16,
  } as const;
  return asExported(buildResNet(config, { numClasses: 10, imageSize }));
}

function asExported(graph: Graph): Graph {
  initializeParameters(graph, 1);
  return foldBatchNorm(graph);
}

/** Batches of normally distributed values that fit a graph's input. */
export function noise(graph: Graph, batches: number, size: number, seed = 1): CalibrationBatch[] {
  const random = new Random(seed);
  const length = size * sizeOf(graph.inputs[0]!.dims.slice(1).map(Number));
  return Array.from({ length: batches }, () => ({
    images: Float32Array.from({ length }, () => random.normal()),
    size,
  }));
}

/** The first output of a graph for a batch. */
export async function runGraph(graph: Graph, { images, size }: CalibrationBatch): Promise<Float32Array> {
  const session = await openSession(encodeModel(graph), { threads: 1 });
  try {
    const input = graph.inputs[0]!;
    const dims = [size, ...input.dims.slice(1).map(Number)];
    const results = await session.run({ [input.name]: new Tensor('float32', images, dims) });
    return results[graph.outputs[0]!.name]!.data as Float32Array;
  } finally {
    await session.release();
  }
}
