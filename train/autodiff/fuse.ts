import { cloneGraph, countUses, type Graph, type GraphNode } from '../../core/onnx/graph.ts';
import { inferShapes } from '../../core/onnx/shape-inference.ts';
import { FUSED_DOMAIN } from './rules/batch-normalization.ts';

/**
 * Joins `BatchNormalization -> Relu` and `BatchNormalization -> Add -> Relu` into one node of
 * {@link FUSED_DOMAIN}, so that normalisation, residual and ReLU are one pass over memory. Only values with a
 * single reader are joined, so nothing else sees the intermediate ones.
 * An Add that broadcasts is left alone.
 */
export function fuseForTraining(graph: Graph): Graph {
  const fused = cloneGraph(graph);
  const uses = countUses(fused);
  const producers = new Map(fused.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const shapes = inferShapes(graph);
  const sameShape = (a: string, b: string) => shapes.get(a)!.dims.join() === shapes.get(b)!.dims.join();
  const absorbed = new Set<GraphNode>();
  const single = (name: string, op: string): GraphNode | undefined => {
    const node = producers.get(name);
    return node?.op === op && node.domain === '' && uses.get(name) === 1 && !absorbed.has(node)
      ? node
      : undefined;
  };

  const join = (relu: GraphNode): GraphNode => {
    const input = relu.inputs[0]!;
    let norm = single(input, 'BatchNormalization');
    let residual: string | undefined;
    if (!norm) {
      const add = single(input, 'Add');
      if (!add) return relu;
      const [x, y] = add.inputs as [string, string];
      if (!sameShape(x, y)) return relu;
      norm = single(x, 'BatchNormalization');
      residual = y;
      if (!norm) {
        norm = single(y, 'BatchNormalization');
        residual = x;
      }
      // In x + x the one value has two readers, so it is not single and is kept.
      if (!norm) return relu;
      absorbed.add(add);
    }
    absorbed.add(norm);
    const inputs = norm.inputs.slice(0, 5);
    if (residual !== undefined) inputs.push(residual);
    return { ...norm, domain: FUSED_DOMAIN, inputs, outputs: relu.outputs };
  };

  const nodes = fused.nodes.map((node) => (node.op === 'Relu' && node.domain === '' ? join(node) : node));
  fused.nodes = nodes.filter((node) => !absorbed.has(node));
  return fused;
}
