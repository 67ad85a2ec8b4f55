import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Graph } from '../../core/onnx/graph.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { openSession } from '../../core/runtime/session.ts';
import { quantizeModel } from '../../export/quantize/quantize-model.ts';
import { bottleneckNet, floatNet, noise } from './small-nets.ts';

/** How often each operator occurs in a graph. */
function count(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

/** The graph onnxruntime makes of a model on this machine. */
async function optimized(graph: Graph): Promise<Graph> {
  const folder = await mkdtemp(join(tmpdir(), 'fusion-'));
  try {
    const optimizedModelFilePath = join(folder, 'optimized.onnx');
    const session = await openSession(encodeModel(graph), {
      optimizedModelFilePath,
      // It warns that the file is for machines like this one.
      logSeverityLevel: 3,
    });
    await session.release();
    return decodeModel(await readFile(optimizedModelFilePath)).graph;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('onnxruntime fuses a quantised net into integer kernels', () => {
  const nets = [
    ...['resnet14t', 'resnet20', 'se_resnet20'].map((name) => floatNet(name, 16)),
    bottleneckNet(16),
    // Depthwise, with ReLU6, and padded otherwise behind than before.
    ...['mobilenetv2', 'efficientnet-lite0'].map((name) => floatNet(name, 32)),
  ];
  for (const float of nets) {
    it(`${float.name}: each operator is an integer one, from the bytes of the image on to the logits`, async () => {
      const { graph, report } = await quantizeModel(float, {
        batches: () => noise(float, 1, 2),
        method: 'minmax',
        threads: 1,
      });
      const before = count(float);
      const after = count(await optimized(graph));
      assert.deepEqual(report.float, {});
      assert.equal(after.QLinearConv, before.Conv);
      assert.equal(after.QLinearAdd, before.Add);
      assert.equal(after.QLinearMul, before.Mul);
      assert.equal(after.QLinearSigmoid, before.Sigmoid);
      assert.equal(after.QLinearGlobalAveragePool, before.GlobalAveragePool);
      assert.equal(after.QGemm, 1);
      assert.equal(after.QuantizeLinear, 1, 'only the images are quantised');
      for (const op of ['DequantizeLinear', 'Conv', 'Relu', 'Clip', 'Add', 'Mul', 'Sigmoid', 'Gemm']) {
        assert.equal(after[op], undefined, `${op} is left`);
      }
    });
  }
});
