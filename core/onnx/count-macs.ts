import type { UserError } from '../errors.ts';
import type { Dim, Graph, GraphNode } from './graph.ts';
import { operatorOf } from './operators/index.ts';
import { nodeError } from './operators/operator.ts';
import { inferShapes, type TensorShape } from './shape-inference.ts';

/**
 * Multiply-accumulates of a graph for one image, as papers count them ("FLOPs" in He et al. 2016): those of
 * convolutions and matrix products; biases, batch norms, activations and pooling are left out.
 * @throws UserError if the shapes cannot be inferred, or a size other than the batch is not known
 */
export function countMacs(graph: Graph): number {
  const shapes = inferShapes(graph);
  const batch = graph.inputs[0]?.dims[0] ?? 1;
  const perBatch = graph.nodes.reduce((sum, node) => sum + nodeMacs(node, shapes, batch), 0);
  return typeof batch === 'number' ? perBatch / batch : perBatch;
}

/**
 * A node's multiply-accumulates: the elements it gives, times the products summed up in each; 0 for an operator
 * that multiplies no weights or matrices. Dimensions named as the batch is count as one.
 * @throws UserError if a size or shape it takes is not known
 */
export function nodeMacs(node: GraphNode, shapes: ReadonlyMap<string, TensorShape>, batch: Dim): number {
  const macs = operatorOf(node)?.macs;
  if (!macs) return 0;
  const error = (problem: string): UserError => nodeError(node, problem);
  const dimsOf = (name = ''): Dim[] => {
    const shape = shapes.get(name);
    if (!shape) throw error(`the shape of "${name}" is not known, so neither is its cost`);
    return shape.dims;
  };
  const dims = macs({
    node,
    error,
    input: (index) => dimsOf(node.inputs[index]),
    output: () => dimsOf(node.outputs[0]),
  });
  return dims.reduce<number>((product, dim) => {
    if (typeof dim === 'number') return product * dim;
    // A named batch counts as one image.
    if (dim === batch) return product;
    throw error(`the size "${dim}" is not known, so neither is its cost`);
  }, 1);
}
