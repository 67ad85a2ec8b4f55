import { MAX_FLOAT16 } from '../../weights/to-float16.ts';
import { GraphBuilder } from '../builder.ts';
import {
  cloneGraph,
  type DataType,
  type Graph,
  type GraphNode,
  int,
  intAttribute,
  type TensorValue,
} from '../graph.ts';
import { operatorOf } from '../operators/index.ts';
import { inferTypes } from '../shape-inference.ts';
import { dataTypeCode } from '../tensor-proto.ts';
import { hoistConstants } from './hoist-constants.ts';
import { halfTensor } from './to-float16.ts';

/** Tensors of so few values are constants of a formula rather than weights. */
const FEW = 4;
const SMALLEST_FLOAT16 = 2 ** -14;

/**
 * Makes a float32 graph of any program compute in float16 where that costs little, and in float32 elsewhere, with a
 * Cast wherever a value goes from one to the other; its inputs and outputs stay float32. Of a value whose type is not
 * known nothing is assumed: what reads it stays as it is.
 * @returns a new graph, the input and its tensors untouched, and how many nodes compute in float16
 * @throws UserError naming the tensor, if a weight is beyond what float16 holds
 */
export function convertMostToFloat16(graph: Graph): { graph: Graph; converted: number } {
  const source = hoistConstants(graph);
  const types = inferTypes(source);
  const inHalf = new Set(source.nodes.filter((node) => canBeHalf(node, source, types)));
  const mixed: Graph = { ...cloneGraph(source), nodes: [] };
  const names = new GraphBuilder({ ...source });
  // Others know these by name, so that they stay in float32 under it.
  const fixed = new Set([
    ...[...source.inputs, ...source.outputs].map(({ name }) => name),
    ...source.nodes.flatMap(capturedBy),
  ]);
  const readSingle = new Set(fixed);
  for (const node of source.nodes) {
    node.inputs.forEach((name, index) => {
      if (!inHalf.has(node) || !isFloatInput(node, index)) readSingle.add(name);
    });
  }
  const halves = new Map<string, string>();
  const singles = new Map<string, string>();
  const cast = (from: string, to: string, dtype: 'float16' | 'float32'): string => {
    const attributes = { to: int(dataTypeCode(dtype)) };
    mixed.nodes.push({
      op: 'Cast',
      domain: '',
      name: `Cast:${to}`,
      inputs: [from],
      outputs: [to],
      attributes,
    });
    return to;
  };
  /** The name that a float value has in float16. */
  const half = (name: string): string => {
    const known = halves.get(name);
    if (known !== undefined) return known;
    const tensor = source.initializers.get(name);
    const own = tensor && !readSingle.has(name) ? name : names.unique(`${name}.float16`);
    halves.set(name, own);
    if (tensor) mixed.initializers.set(own, halfTensor(tensor, name));
    else cast(name, own, 'float16');
    return own;
  };
  /** The name that a value has in its own type. */
  const single = (name: string): string => {
    if (!singles.has(name)) return name;
    const own = singles.get(name)!;
    if (own !== '') return own;
    const to = fixed.has(name) ? name : names.unique(`${name}.float32`);
    singles.set(name, to);
    return cast(halves.get(name)!, to, 'float32');
  };
  for (const node of source.nodes) {
    for (const name of capturedBy(node)) single(name);
    const isHalf = inHalf.has(node);
    const inputs = node.inputs.map((name, index) =>
      name === '' ? '' : isHalf && isFloatInput(node, index) ? half(name) : single(name),
    );
    if (!isHalf) {
      mixed.nodes.push({ ...node, inputs });
      continue;
    }
    const outputs = node.outputs.map((name, index) => {
      if (name === '' || (index > 0 && node.op !== 'Split')) return name;
      const own = fixed.has(name) ? names.unique(`${name}.float16`) : name;
      halves.set(name, own);
      singles.set(name, '');
      return own;
    });
    mixed.nodes.push({ ...node, inputs, outputs });
  }
  for (const { name } of source.outputs) single(name);
  return { graph: mixed, converted: inHalf.size };
}

function isFloatInput(node: GraphNode, index: number): boolean {
  const which = operatorOf(node)?.half;
  return which === 'all' || (which?.includes(index) ?? false);
}

function canBeHalf(node: GraphNode, graph: Graph, types: ReadonlyMap<string, DataType>): boolean {
  if (!operatorOf(node)?.half) return false;
  if (node.op === 'BatchNormalization' && intAttribute(node, 'training_mode', 0) !== 0) return false;
  // Indices and masks of poolings and dropouts.
  if (node.op !== 'Split' && node.outputs.slice(1).some((name) => name !== '')) return false;
  return node.inputs.every((name, index) => {
    if (name === '' || !isFloatInput(node, index)) return true;
    return types.get(name) === 'float32' && !isBeyond(graph.initializers.get(name));
  });
}

/** Whether a constant, such as the epsilon of a norm, is none any more in float16. */
function isBeyond(tensor: TensorValue | undefined): boolean {
  if (!tensor || tensor.data.length > FEW) return false;
  return [...(tensor.data as Float32Array)].some((value) => {
    const size = Math.abs(value);
    return size > MAX_FLOAT16 || (size > 0 && size < SMALLEST_FLOAT16);
  });
}

/** The values around a node that bodies in it may read. */
function capturedBy(node: GraphNode): string[] {
  return Object.values(node.attributes).flatMap((attribute) =>
    attribute.type === 'graph' ? readIn(attribute.value) : [],
  );
}

function readIn(body: Graph): string[] {
  return [
    ...body.nodes.flatMap((node) => [...node.inputs, ...capturedBy(node)]),
    ...body.outputs.map(({ name }) => name),
  ];
}
