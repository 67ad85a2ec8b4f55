import { type Graph, sizeOf } from '../../core/onnx/graph.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';

/** Where a tensor sits in a vector that holds many. */
export interface Segment {
  name: string;
  dims: readonly number[];
  offset: number;
  size: number;
}

/** How a graph's parameters and running statistics are laid out as two flat vectors. */
export interface VectorLayout {
  parameters: Segment[];
  parameterSize: number;
  buffers: Segment[];
  bufferSize: number;
}

/**
 * Lays all parameters end to end, and all running statistics: the training step takes and gives two tensors
 * instead of hundreds, and the optimiser is a handful of nodes whatever the depth of the net.
 */
export function vectorLayout(graph: Graph): VectorLayout {
  const roles = initializerRoles(graph);
  const [parameters, parameterSize] = segments(graph, roles.parameters);
  const [buffers, bufferSize] = segments(graph, roles.buffers);
  return { parameters, parameterSize, buffers, bufferSize };
}

function segments(graph: Graph, names: readonly string[]): [Segment[], number] {
  let offset = 0;
  const list = names.map((name) => {
    const { dims } = graph.initializers.get(name)!;
    const segment = { name, dims, offset, size: sizeOf(dims) };
    offset += segment.size;
    return segment;
  });
  return [list, offset];
}

/** Copies the graph's own values of the segments into a new vector. */
export function packVector(graph: Graph, list: readonly Segment[]): Float32Array {
  const vector = new Float32Array(list.reduce((sum, segment) => sum + segment.size, 0));
  for (const { name, offset } of list) vector.set(graph.initializers.get(name)!.data as Float32Array, offset);
  return vector;
}

/** A copy of the graph with the segments' values taken from the vector. */
export function withVector(graph: Graph, list: readonly Segment[], vector: Float32Array): Graph {
  const initializers = new Map(graph.initializers);
  for (const { name, dims, offset, size } of list) {
    initializers.set(name, { dtype: 'float32', dims: [...dims], data: vector.slice(offset, offset + size) });
  }
  return { ...graph, initializers };
}
