import { floatAttribute, type Graph } from '../../../core/onnx/graph.ts';
import { StepBuilder } from '../../lowering/ort/step-builder.ts';
import { crossEntropy } from '../../step/cross-entropy.ts';
import { emitNextBuffers } from '../../step/gradient-graph.ts';
import type { VectorLayout } from '../../step/parameter-vector.ts';

/*
 * The parts of a training step around the model, by the functions that emit them for the other engines. Plain
 * layouts only: onnxruntime's blocked ones mean nothing to TensorFlow.
 */

/** The graph of the `loss` [] of `logits` against `targets`, both of these dims. */
export function buildLossGraph(dims: readonly number[]): Graph {
  const b = new StepBuilder('loss', 0);
  b.output('loss', crossEntropy(b, b.input('logits', dims), b.input('targets', dims)).loss);
  return b.graph;
}

/**
 * The graph of the `next_buffers` [B], from the `buffers` [B] and what a batch showed of each running statistic,
 * an input under the statistic's name.
 */
export function buildBufferGraph(model: Graph, layout: VectorLayout): Graph {
  const b = new StepBuilder('buffers', 0);
  const momentum = new Map(
    model.nodes
      .filter((node) => node.op === 'BatchNormalization')
      .flatMap((node) =>
        node.inputs.slice(3, 5).map((name) => [name, floatAttribute(node, 'momentum', 0.9)]),
      ),
  );
  const buffers = b.input('buffers', [layout.bufferSize]);
  const updates = layout.buffers.map(
    ({ name, dims }) => [name, { observed: b.input(name, dims), momentum: momentum.get(name)! }] as const,
  );
  b.output('next_buffers', emitNextBuffers(b, buffers, layout.buffers, new Map(updates)));
  return b.graph;
}
