import type { Normalization } from '../../data/dataset.ts';
import { GraphBuilder } from '../builder.ts';
import { cloneGraph, type Graph, int, ints } from '../graph.ts';
import { dataTypeCode } from '../tensor-proto.ts';

/** Names of the input and the outputs that {@link pixelsToTopK} gives a graph. */
export const PIXELS = 'images';
export const PROBABILITIES = 'probabilities';
export const INDICES = 'indices';

/**
 * Puts a classifier's preprocessing and ranking into its graph: from `images`, uint8
 * [batch, height, width, 3] in RGB, to the `k` best classes, best first: `probabilities`, float32 [batch, k],
 * and `indices`, int64 [batch, k].
 *
 * `(v / 255 - mean) / std` is computed as `v * scale - shift`, with both constants rounded once.
 * @param graph float32 [batch, 3, height, width] in, logits [batch, classes] out
 * @returns a new graph that shares the tensors
 */
export function pixelsToTopK(graph: Graph, { mean, std }: Normalization, k: number): Graph {
  const core = cloneGraph(graph);
  const [input, logits] = [core.inputs[0]!, core.outputs[0]!];
  const [batch, channels, height, width] = input.dims;
  const { nodes } = core;
  const b = new GraphBuilder(core);
  Object.assign(core, { inputs: [], outputs: [], nodes: [] });
  const pixels = b.input(b.unique(PIXELS), 'uint8', [batch!, height!, width!, channels!]);

  const perChannel = (of: (channel: 0 | 1 | 2) => number, name: string): string =>
    b.initializer(b.unique(name), {
      dtype: 'float32',
      dims: [3, 1, 1],
      data: Float32Array.from([0, 1, 2] as const, of),
    });
  const floats = b.node('Cast', [pixels], { to: int(dataTypeCode('float32')) }, { name: 'pixels.float' });
  const planar = b.node('Transpose', [floats], { perm: ints([0, 3, 1, 2]) }, { name: 'pixels.nchw' });
  const scale = perChannel((c) => 1 / (255 * std[c]), 'preprocess.scale');
  const shift = perChannel((c) => mean[c] / std[c], 'preprocess.shift');
  const scaled = b.node('Mul', [planar, scale], {}, { name: 'pixels.scaled' });
  const normalized = b.node('Sub', [scaled, shift], {}, { name: 'pixels.normalized' });

  for (const node of nodes) {
    node.inputs = node.inputs.map((name) => (name === input.name ? normalized : name));
  }
  b.graph.nodes.push(...nodes);

  const softmax = b.node('Softmax', [logits.name], { axis: int(1) }, { name: 'softmax' });
  const [probabilities, indices] = [b.unique(PROBABILITIES), b.unique(INDICES)];
  b.graph.nodes.push({
    op: 'TopK',
    domain: '',
    name: `TopK:${indices}`,
    inputs: [softmax, b.int64([k])],
    outputs: [probabilities, indices],
    attributes: { axis: int(1), largest: int(1), sorted: int(1) },
  });
  b.output(probabilities, 'float32', [batch!, k]);
  b.output(indices, 'int64', [batch!, k]);
  return b.graph;
}
