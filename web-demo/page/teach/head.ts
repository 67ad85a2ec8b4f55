import { UserError } from '../../../core/errors.ts';
import { initializeParameters } from '../../../core/models/initialize.ts';
import { GraphBuilder } from '../../../core/onnx/builder.ts';
import { floatTensor, type Graph, type GraphNode, int, sizeOf } from '../../../core/onnx/graph.ts';

/** A classifier cut in front of its last layer. */
export interface CutModel {
  /** From the picture to the features the last layer reads: output [batch, size]. */
  features: Graph;
  /** Values of a picture's features. */
  size: number;
  last: GraphNode;
}

/**
 * Cuts a classifier in front of its last layer, which must be a Gemm on float32 features.
 * @throws UserError if it is not
 */
export function cutLastLayer(graph: Graph, name: string): CutModel {
  const output = graph.outputs[0]?.name;
  const last = graph.nodes.find((node) => node.outputs[0] === output);
  const weight = graph.initializers.get(last?.inputs[1] ?? '');
  if (last?.op !== 'Gemm' || weight?.dtype !== 'float32' || graph.inputs[0]?.name !== 'input') {
    throw new UserError(
      `The last layer of ${name} is not a float32 linear layer that could be learnt anew; open an fp32 model, or train a small net from scratch.`,
    );
  }
  const size = last.attributes.transB ? weight.dims[1]! : weight.dims[0]!;
  const own = new Set([last.inputs[1], last.inputs[2]]);
  const features: Graph = {
    ...graph,
    nodes: graph.nodes.filter((node) => node !== last),
    outputs: [{ name: last.inputs[0]!, dtype: 'float32', dims: ['batch', size] }],
    initializers: new Map([...graph.initializers].filter(([key]) => !own.has(key))),
  };
  return { features, size, last };
}

/** A linear classifier on features, with random weights: input [batch, size], output [batch, classes]. */
export function buildHead(size: number, classes: number, seed: number): Graph {
  const b = new GraphBuilder('head');
  const x = b.input('features', 'float32', ['batch', size]);
  const zeros = (name: string, dims: number[]): string =>
    b.initializer(name, floatTensor(dims, new Float32Array(sizeOf(dims))));
  b.node(
    'Gemm',
    [x, zeros('fc.weight', [classes, size]), zeros('fc.bias', [classes])],
    { transB: int(1) },
    {
      name: 'logits',
    },
  );
  b.output('logits', 'float32', ['batch', classes]);
  initializeParameters(b.graph, seed);
  return b.graph;
}

/** The whole classifier with a trained last layer in place of its own. */
export function replaceLastLayer(cut: CutModel, head: Graph, classes: number): Graph {
  const names = new GraphBuilder({ ...cut.features, initializers: new Map(cut.features.initializers) });
  const [weight, bias] = ['fc.weight', 'fc.bias'].map((name) =>
    names.initializer(names.unique(name), head.initializers.get(name)!),
  );
  const layer: GraphNode = {
    op: 'Gemm',
    domain: '',
    name: cut.last.name,
    inputs: [cut.last.inputs[0]!, weight!, bias!],
    outputs: ['logits'],
    attributes: { transB: int(1) },
  };
  return {
    ...names.graph,
    nodes: [...cut.features.nodes, layer],
    outputs: [{ name: 'logits', dtype: 'float32', dims: ['batch', classes] }],
  };
}
