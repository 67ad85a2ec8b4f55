import { countUses, type Dim, type Graph, type GraphNode, type ValueInfo } from '../../core/onnx/graph.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import { inferKnownShapes, inferShapes } from '../../core/onnx/shape-inference.ts';

/** A net in two parts, one after the other: `tail` of `front` of an image is what the net gives. */
export interface CutNet {
  /** From the images to the value that is cut at, [batch, ...]. */
  front: Graph;
  /** From that value to the scores. */
  tail: Graph;
}

/**
 * All ways to cut a net in two, at a value through which all goes that it makes of its images; the shortest tail first.
 * What is trained of a tail by itself is what is trained of it in the net.
 * @param graph the batch of which is fixed, so that nothing is left that asks the images for their shape
 * @param anyBatch the same net for any batch
 */
export function* cutsOf(graph: Graph, anyBatch: Graph): Generator<CutNet, void, void> {
  const shapes = inferShapes(graph);
  const [batch] = graph.inputs[0]!.dims;
  const named = inferKnownShapes(anyBatch);
  const [batchName] = anyBatch.inputs[0]!.dims;
  /** Whether the first axis is the batch's, and not one as long: some nets have the batch second. */
  const isBatchFirst = (name: string, [first, ...others]: readonly Dim[]) =>
    first === batch &&
    (!others.includes(batch!) || (typeof batchName === 'string' && named.get(name)?.dims[0] === batchName));
  const { parameters } = initializerRoles(graph);
  for (const name of bottlenecks(graph).reverse()) {
    const { dtype, dims } = shapes.get(name)!;
    if (dtype !== 'float32' || !isBatchFirst(name, dims)) continue;
    const cut: ValueInfo[] = [{ name, dtype, dims }];
    const outputs = graph.outputs.map((output) => output.name);
    const front = { ...graph, outputs: cut, ...partOf(graph, nodesFor(graph, [name])) };
    const tail = { ...graph, inputs: cut, ...partOf(graph, nodesFor(graph, outputs, name)) };
    const known = new Set(initializerRoles(tail).parameters);
    if (parameters.every((each) => known.has(each) || !tail.initializers.has(each))) yield { front, tail };
  }
}

/**
 * Cuts off as much of a net's front as stays as it is in training: nothing that is trained is in it, and it gives the
 * same of an image each time, if batch norm goes by its running statistics.
 * @param graph of a fixed batch, and `anyBatch`, of any, as for {@link cutsOf}
 * @returns undefined where there is nothing of the kind that would cost anything
 */
export function cutFrozenFront(
  graph: Graph,
  anyBatch: Graph,
  isFrozen: (parameter: string) => boolean,
): CutNet | undefined {
  const trained = new Set(initializerRoles(graph).parameters.filter((name) => !isFrozen(name)));
  for (const cut of cutsOf(graph, anyBatch)) {
    const { nodes, initializers } = cut.front;
    if (
      nodes.some(({ op }) => op === 'Dropout') ||
      [...initializers.keys()].some((name) => trained.has(name))
    )
      continue;
    return nodes.some(({ op }) => WORK.has(op)) ? cut : undefined;
  }
  return undefined;
}

const WORK: ReadonlySet<string> = new Set(['Conv', 'MatMul', 'Gemm', 'Einsum', 'Attention']);

/** The values through which all goes that a net makes of its images, first to last. */
function bottlenecks(graph: Graph): string[] {
  const outputs = graph.outputs.map(({ name }) => name);
  const nodes = nodesFor(graph, outputs);
  const unread = countUses({ ...graph, nodes });
  const made = new Set([graph.inputs[0]!.name]);
  // Those of them that are still to be read.
  const live = new Set(made);
  return nodes.flatMap((node) => {
    if (!node.inputs.some((name) => made.has(name))) return [];
    for (const name of node.inputs) {
      unread.set(name, unread.get(name)! - 1);
      if (unread.get(name) === 0) live.delete(name);
    }
    for (const name of node.outputs) {
      made.add(name);
      if (unread.has(name)) live.add(name);
    }
    return live.size === 1
      ? [...live].filter((name) => node.outputs.includes(name) && !outputs.includes(name))
      : [];
  });
}

/** The nodes that values are computed by, in order; of those only what comes after `from`. */
function nodesFor({ nodes }: Graph, values: readonly string[], from = ''): GraphNode[] {
  const needed = new Set(values);
  return nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((name) => name !== from && needed.has(name))) return false;
      for (const name of node.inputs) needed.add(name);
      return true;
    })
    .toReversed();
}

function partOf({ initializers }: Graph, nodes: GraphNode[]): Pick<Graph, 'nodes' | 'initializers'> {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  return { nodes, initializers: new Map([...initializers].filter(([name]) => read.has(name))) };
}
