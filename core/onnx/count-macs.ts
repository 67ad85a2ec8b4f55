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

/**
 * A node's multiply-accumulates: the elements it gives, times the products summed up in each; 0 for an operator
 * that multiplies no weights or matrices. Dimensions named as the batch is count as one.
 * @throws UserError if a size or shape it takes is not known
 */
export function nodeMacs(node: GraphNode, shapes: ReadonlyMap<string, TensorShape>, batch: Dim): number {
  const where = `node "${node.name || node.outputs[0]}" (${node.op})`;
  const dims = multiplied(node, (name) => {
    const shape = shapes.get(name ?? '');
    if (!shape) throw new UserError(`${where}: the shape of "${name}" is not known, so neither is its cost`);
    return shape.dims;
  });
  return dims.reduce<number>((product, dim) => {
    if (typeof dim === 'number') return product * dim;
    // A named batch counts as one image.
    if (dim === batch) return product;
    throw new UserError(`${where}: the size "${dim}" is not known, so neither is its cost`);
  }, 1);
}

/** The dimensions whose product is a node's cost; a single 0 if it multiplies nothing. */
function multiplied(node: GraphNode, dimsOf: (name: string | undefined) => Dim[]): Dim[] {
  const input = (index: number): Dim[] => dimsOf(node.inputs[index]);
  const output = (): Dim[] => dimsOf(node.outputs[0]);
  switch (node.domain === '' ? node.op : '') {
    case 'Conv':
    case 'ConvInteger':
      return [...output(), ...input(1).slice(1)];
    case 'QLinearConv':
      return [...output(), ...input(3).slice(1)];
    case 'ConvTranspose':
      // Each input element is multiplied by a filter for every output channel.
      return [...input(0), ...input(1).slice(1)];
    case 'Gemm':
      return [...output(), input(0)[intAttribute(node, 'transA', 0) === 0 ? 1 : 0]!];
    case 'MatMul':
    case 'MatMulInteger':
    case 'QLinearMatMul':
      return [...output(), input(0).at(-1)!];
    default:
      return [0];
  }
}
