import {
  type Attribute,
  countUses,
  floats,
  type Graph,
  type GraphNode,
  str,
} from '../../../core/onnx/graph.ts';
import { TRAINING, type TrainingGraph } from '../../gradients/training-graph.ts';

/**
 * Joins `BatchNormInternal -> Relu` and `BatchNormInternal -> Add -> Relu` of the forward pass, and the same with a Clip
 * of two bounds, into one BatchNormInternal with the attribute `activation` and perhaps the residual as input 3, so that
 * normalisation, residual and activation are one pass over memory. Only values with a single reader are joined, so nothing else sees the
 * intermediate ones. An Add that broadcasts is left alone.
 */
export function fuseForTraining(training: TrainingGraph): { nodes: GraphNode[]; backwardFrom: number } {
  const { graph, values, backwardFrom } = training;
  const forward = graph.nodes.slice(0, backwardFrom);
  const uses = countUses(graph);
  const producers = new Map(forward.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const sameShape = (a: string, b: string) => values.get(a)!.dims.join() === values.get(b)!.dims.join();
  const absorbed = new Set<GraphNode>();
  const single = (name: string, op: string, domain: string): GraphNode | undefined => {
    const node = producers.get(name);
    const fits = node?.op === op && node.domain === domain && uses.get(name) === 1 && !absorbed.has(node);
    return fits && node.outputs[0] === name ? node : undefined;
  };
  const norm = (name: string) => single(name, 'BatchNormInternal', TRAINING);

  const join = (node: GraphNode): GraphNode => {
    const activation = activationOf(node, graph);
    return activation ? joined(node, activation) : node;
  };
  const joined = (relu: GraphNode, activation: Record<string, Attribute>): GraphNode => {
    const input = relu.inputs[0]!;
    let found = norm(input);
    let residual: string[] = [];
    if (!found) {
      const add = single(input, 'Add', '');
      if (!add) return relu;
      const [x, y] = add.inputs as [string, string];
      if (!sameShape(x, y)) return relu;
      found = norm(x);
      residual = [y];
      if (!found) {
        found = norm(y);
        residual = [x];
      }
      // In x + x the one value has two readers, so it is not single and is kept.
      if (!found) return relu;
      absorbed.add(add);
    }
    absorbed.add(found);
    return {
      ...found,
      attributes: { ...found.attributes, ...activation },
      inputs: [...found.inputs, ...residual],
      outputs: [relu.outputs[0]!, ...found.outputs.slice(1)],
    };
  };

  const kept = forward.map(join).filter((node) => !absorbed.has(node));
  return { nodes: [...kept, ...graph.nodes.slice(backwardFrom)], backwardFrom: kept.length };
}

/** The attributes by which onnxruntime's NCHWc Conv also applies this node; undefined if it is no such node. */
function activationOf(
  { op, domain, inputs }: GraphNode,
  graph: Graph,
): Record<string, Attribute> | undefined {
  if (domain !== '') return undefined;
  if (op === 'Relu') return { activation: str('Relu') };
  const bounds = inputs.slice(1).map((name) => graph.initializers.get(name)?.data[0]);
  if (op !== 'Clip' || bounds.length !== 2 || bounds.includes(undefined)) return undefined;
  return { activation: str('Clip'), activation_params: floats(bounds.map(Number)) };
}
