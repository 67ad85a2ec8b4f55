import type { Graph } from './graph.ts';
import { operatorOf } from './operators/index.ts';

/** What each initializer is for, read off the operators that use it. */
export interface InitializerRoles {
  /** Learned by gradient descent: conv, linear and batch-norm weights and biases, in graph order. */
  parameters: string[];
  /** Batch-norm running means and variances. */
  buffers: string[];
  /** Everything else: shapes, scalars, fixed tables. */
  constants: string[];
}

/** Sorts a graph's float initializers by role; a graph from anywhere is read the same way as our own. */
export function initializerRoles(graph: Graph): InitializerRoles {
  const parameters = new Set<string>();
  const buffers = new Set<string>();
  for (const node of graph.nodes) {
    node.inputs.forEach((input, index) => {
      const tensor = graph.initializers.get(input);
      if (tensor?.dtype !== 'float32') return;
      if (node.op === 'BatchNormalization' && index >= 3) buffers.add(input);
      else if (operatorOf(node)?.weights?.includes(index)) parameters.add(input);
    });
  }
  const constants = [...graph.initializers.keys()].filter(
    (name) => !parameters.has(name) && !buffers.has(name),
  );
  return { parameters: [...parameters], buffers: [...buffers], constants };
}

/** How many values the graph learns. */
export function parameterCount(graph: Graph): number {
  return initializerRoles(graph).parameters.reduce(
    (sum, name) => sum + graph.initializers.get(name)!.data.length,
    0,
  );
}
