import { UserError } from '../errors.ts';
import { type Dim, type Graph, type GraphNode, intAttribute } from './graph.ts';
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

/** A node's multiply-accumulates: the elements it gives, times the products summed up in each. */
function nodeMacs(node: GraphNode, shapes: ReadonlyMap<string, TensorShape>, batch: Dim): number {
  const summed = summedDims(node, (index) => shapes.get(node.inputs[index]!)!.dims);
  if (!summed) return 0;
  const dims = [...shapes.get(node.outputs[0]!)!.dims, ...summed];
  return dims.reduce<number>((product, dim) => {
    if (typeof dim === 'number') return product * dim;
    // A named batch counts as one image.
    if (dim === batch) return product;
    throw new UserError(
      `node "${node.name}" (${node.op}): the size "${dim}" is not known, so neither is its cost`,
    );
  }, 1);
}

/** The dimensions a node sums over for each element of its output; undefined if it multiplies nothing. */
function summedDims(node: GraphNode, input: (index: number) => Dim[]): Dim[] | undefined {
  if (node.domain !== '') return undefined;
  if (node.op === 'Conv') return input(1).slice(1);
  if (node.op === 'Gemm') return [input(0)[intAttribute(node, 'transA', 0) === 0 ? 1 : 0]!];
  if (node.op === 'MatMul') return [input(0).at(-1)!];
  return undefined;
}
