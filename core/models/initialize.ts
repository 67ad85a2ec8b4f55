import {
  floatTensor,
  type Graph,
  type GraphNode,
  intAttribute,
  sizeOf,
  type TensorValue,
} from '../onnx/graph.ts';
import { Random } from '../random.ts';

/**
 * Fills a graph's parameters as torchvision's ResNet does, in place, the same for the same seed:
 * conv weights normal with std sqrt(2 / fan_out) (He et al. 2015, arXiv:1502.01852, mode fan-out; of a group, as
 * timm's and TensorFlow's, where torchvision takes all groups together), conv and linear biases and linear weights uniform in +-1/sqrt(fan_in), batch norm 1 and 0, running stats 0 and 1.
 * Filters that the builder has filled already, as with Dirac deltas, stay.
 * Each tensor has a random stream of its own, so one layer more does not change the others.
 */
export function initializeParameters(graph: Graph, seed: number): void {
  let stream = 0;
  for (const node of graph.nodes) {
    for (const [index, value] of initialValues(graph, node, () => new Random(seed, stream++))) {
      graph.initializers.set(node.inputs[index]!, value);
    }
  }
}

type Initial = [inputIndex: number, value: TensorValue];

function initialValues(graph: Graph, node: GraphNode, random: () => Random): Initial[] {
  const shape = (index: number): number[] | undefined => {
    const name = node.inputs[index];
    return name ? graph.initializers.get(name)?.dims : undefined;
  };
  const weight = shape(1);
  const bias = shape(2);
  if (node.op === 'Conv' && weight) {
    const receptive = sizeOf(weight.slice(2));
    const fanOut = (weight[0]! * receptive) / intAttribute(node, 'group', 1);
    const drawn = normal(weight, Math.sqrt(2 / fanOut), random());
    keepFilled(drawn, graph.initializers.get(node.inputs[1]!)!);
    const values: Initial[] = [[1, drawn]];
    if (bias) values.push([2, uniform(bias, 1 / Math.sqrt(weight[1]! * receptive), random())]);
    return values;
  }
  if (node.op === 'Gemm' && weight) {
    const fanIn = node.attributes.transB ? weight[1]! : weight[0]!;
    const values: Initial[] = [[1, uniform(weight, 1 / Math.sqrt(fanIn), random())]];
    if (bias) values.push([2, uniform(bias, 1 / Math.sqrt(fanIn), random())]);
    return values;
  }
  if (node.op === 'BatchNormalization') {
    return [1, 0, 0, 1].map((value, i): Initial => {
      const dims = shape(i + 1)!;
      return [i + 1, floatTensor(dims, new Float32Array(sizeOf(dims)).fill(value))];
    });
  }
  return [];
}

function normal(dims: readonly number[], std: number, random: Random): TensorValue {
  return floatTensor(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, () => std * random.normal()),
  );
}

function uniform(dims: readonly number[], bound: number, random: Random): TensorValue {
  return floatTensor(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, () => bound * (2 * random.uniform() - 1)),
  );
}

/** Puts the filters that are not all zero in `before` into `drawn`. */
function keepFilled(drawn: TensorValue, before: TensorValue): void {
  const size = sizeOf(before.dims.slice(1));
  const [to, from] = [drawn.data as Float32Array, before.data as Float32Array];
  for (let at = 0; at < from.length; at += size) {
    const filter = from.subarray(at, at + size);
    if (filter.some((value) => value !== 0)) to.set(filter, at);
  }
}
