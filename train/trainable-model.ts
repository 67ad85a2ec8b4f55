import { GraphBuilder } from '../core/onnx/builder.ts';
import type { DecodedModel } from '../core/onnx/decode-model.ts';
import { cloneGraph, type Graph, type GraphNode, sizeOf, type TensorValue } from '../core/onnx/graph.ts';
import { fixBatch } from '../core/onnx/passes/fix-batch.ts';
import { foldConstants } from '../core/onnx/passes/fold-constants.ts';
import { hoistConstants } from '../core/onnx/passes/hoist-constants.ts';
import { FIXED, initializerRoles } from '../core/onnx/roles.ts';

/**
 * Anybody's model as it is trained: without what an exporter wrote only to say how large something is, and with a
 * weight of its own for each node. Which of its initializers are trained is what {@link initializerRoles} says of it.
 * @param batchSize the only one that the result takes; by default it takes any, where sizes that depend on it are
 *   computed in a way that can be followed without it
 * @throws UserError if its constants cannot be computed
 */
export async function trainableModel(
  { graph, opset }: Pick<DecodedModel, 'graph' | 'opset'>,
  batchSize?: number,
): Promise<Graph> {
  const sized = batchSize === undefined ? graph : fixBatch(graph, batchSize);
  const untied = untieFilled(hoistConstants(sized));
  const { parameters, buffers } = initializerRoles(untied);
  const kept = new Set([...parameters, ...buffers]);
  const { graph: folded, trained } = await foldConstants(untied, {
    opset,
    isTrained: (name) => kept.has(name),
  });
  const nodes = folded.nodes.map((node) => withoutTrainingMode(withoutZeroBias(node, folded, trained)));
  return withFixed({ ...folded, nodes }, trained, computedOfSizes(untied));
}

/**
 * What is computed of nothing but sizes, whole numbers and single numbers: zeros that an exporter spreads for the bias of a
 * norm, position embeddings of sines. Once it is folded nothing else tells it from a weight.
 */
function computedOfSizes({ initializers, nodes }: Graph): ReadonlySet<string> {
  const isNumbers = ({ dtype, dims }: TensorValue): boolean =>
    !/^u?int(32|64)$|^bool$/.test(dtype) && sizeOf(dims) > 1;
  const found = new Set([...initializers].flatMap(([name, tensor]) => (isNumbers(tensor) ? [] : [name])));
  for (const { op, inputs, outputs } of nodes) {
    const isSize = op === 'Shape' || op === 'Size';
    // The second input of a CastLike has nothing but a type.
    const read = op === 'CastLike' ? inputs.slice(0, 1) : inputs;
    if (isSize || read.every((name) => name === '' || found.has(name)))
      for (const name of outputs) found.add(name);
  }
  return found;
}

/** Says by their names which of the tables are not trained, though they look like weights. */
function withFixed(graph: Graph, trained: ReadonlySet<string>, computed: ReadonlySet<string>): Graph {
  const { parameters } = initializerRoles(graph);
  const fixed = new Set(parameters.filter((name) => !trained.has(name) && computed.has(name)));
  const named = (name: string): string => (fixed.has(name) ? `${name}${FIXED}` : name);
  return {
    ...graph,
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [named(name), tensor])),
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(named) })),
  };
}

/** PyTorch's exporter writes zeros for the bias that a Conv has none of, which were trained otherwise. */
function withoutZeroBias(node: GraphNode, { initializers }: Graph, trained: ReadonlySet<string>): GraphNode {
  const [x = '', weight = '', bias = ''] = node.inputs;
  const isZero = !trained.has(bias) && initializers.get(bias)?.data.every((value) => value === 0);
  return node.op === 'Conv' && isZero ? { ...node, inputs: [x, weight] } : node;
}

/** A Dropout exported as it trains would drop in every evaluation and in the server; our training needs not be told. */
function withoutTrainingMode(node: GraphNode): GraphNode {
  return node.op === 'Dropout' ? { ...node, inputs: node.inputs.slice(0, 2) } : node;
}

/**
 * Gives each reader its own copy of a weight that is all one number: PyTorch's exporter makes one of equal tensors, and
 * norms and biases that were never trained are equal. What shares a weight on purpose shares other numbers.
 * @returns a new graph
 */
function untieFilled(graph: Graph): Graph {
  const untied = cloneGraph(graph);
  const b = new GraphBuilder(untied);
  const trained = new Set([...initializerRoles(untied).parameters, ...initializerRoles(untied).buffers]);
  const read = new Set<string>();
  for (const node of untied.nodes) {
    node.inputs = node.inputs.map((name) => {
      const tensor = untied.initializers.get(name);
      if (!tensor || !trained.has(name) || !isFilled(tensor)) return name;
      if (!read.has(name)) {
        read.add(name);
        return name;
      }
      return b.initializer(b.unique(name), tensor);
    });
  }
  return untied;
}

/** A single number is, if it is what such numbers begin with. */
function isFilled({ data }: TensorValue): boolean {
  const [first] = data;
  return data.length > 1 ? data.every((value) => value === first) : first === 0 || first === 1;
}
