import { type Graph, type GraphNode, intAttribute, intsAttribute, type TensorValue } from '../onnx/graph.ts';
import { OPSET_VERSION } from '../onnx/opset.ts';
import { toFloat32 } from '../weights/float-formats.ts';

/** What a walk back from an average pool stops at: it computes other values, in OpenVINO in float32 or from bytes alone. */
const COMPUTES: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'QuantizeLinear']);

/**
 * Why a model's answers would be wrong in OpenVINO 2026.4, which takes it without a word; each case is shown by a script
 * in findings/. What OpenVINO says itself that it cannot read is none of them.
 * @param opset of the whole model, for a graph within it has none of its own
 * @returns the first reason; undefined if none is known
 */
export function whyNotInOpenVino(graph: Graph, opset = graph.opset ?? OPSET_VERSION): string | undefined {
  for (const [name, tensor] of graph.initializers) {
    if (hasNaN(tensor))
      return `its weight "${name}" has values that are not numbers, of which OpenVINO makes a class all the same`;
  }
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  for (const node of graph.nodes) {
    const trouble = whyNotNode(node, graph, makers, opset);
    if (trouble !== undefined) return `its ${node.op} "${node.name || node.outputs[0]}" ${trouble}`;
    for (const attribute of Object.values(node.attributes)) {
      const inside = attribute.type === 'graph' ? whyNotInOpenVino(attribute.value, opset) : undefined;
      if (inside !== undefined) return inside;
    }
  }
  return undefined;
}

function whyNotNode(
  node: GraphNode,
  graph: Graph,
  makers: ReadonlyMap<string, GraphNode>,
  opset: number,
): string | undefined {
  switch (node.op) {
    case 'MaxPool':
      return isPadded(node) && intAttribute(node, 'ceil_mode', 0) === 1
        ? 'is padded and has ceil_mode, which OpenVINO computes a row too large'
        : undefined;
    case 'AveragePool': {
      if (!isPadded(node) || intAttribute(node, 'count_include_pad', 0) === 0) return undefined;
      if (intAttribute(node, 'ceil_mode', 0) === 1)
        return 'counts its padding and has ceil_mode, where OpenVINO takes another divisor at the edges';
      return readsOffsetBytes(node, graph, makers)
        ? 'counts its padding and is quantised with a zero point, where OpenVINO pads with the byte 0'
        : undefined;
    }
    case 'QLinearAveragePool':
      return isPadded(node) && intAttribute(node, 'count_include_pad', 0) === 1
        ? 'counts its padding and is quantised, where OpenVINO pads with the byte 0'
        : undefined;
    case 'Resize': {
      const policy = node.attributes.keep_aspect_ratio_policy;
      const dropped = [
        intAttribute(node, 'antialias', 0) === 1 && 'antialias',
        intAttribute(node, 'exclude_outside', 0) === 1 && 'exclude_outside',
        policy?.type === 'string' && policy.value !== 'stretch' && 'keep_aspect_ratio_policy',
      ].filter((name) => name !== false);
      return dropped.length > 0 ? `has ${dropped.join(', ')}, which OpenVINO leaves out` : undefined;
    }
    case 'PRelu': {
      const slope = graph.initializers.get(node.inputs[1]!);
      // Behind a Gemm columns are the channels.
      const isMap = makers.get(node.inputs[0]!)?.op !== 'Gemm';
      return isMap && slope?.dims.length === 1 && slope.dims[0]! > 1
        ? 'has a slope for each column, which OpenVINO takes for one a channel where there are as many'
        : undefined;
    }
    case 'ReduceL1':
    case 'ReduceL2':
    case 'ReduceLogSum':
    case 'ReduceLogSumExp':
      if (node.op !== 'ReduceLogSumExp' && mayReduceNoAxis(node, graph))
        return 'has noop_with_empty_axes, by which OpenVINO takes no absolute and no logarithm';
      return node.op !== 'ReduceL2' && opset >= 13 && node.attributes.axes !== undefined
        ? `has axes in opset ${opset}, which OpenVINO leaves out: it reduces all there are`
        : undefined;
    default:
      return undefined;
  }
}

function mayReduceNoAxis({ attributes, inputs: [, axes] }: GraphNode, graph: Graph): boolean {
  const isNoop = attributes.noop_with_empty_axes;
  if (isNoop?.type !== 'int' || isNoop.value === 0 || attributes.axes !== undefined) return false;
  return !axes || (graph.initializers.get(axes)?.data.length ?? 0) === 0;
}

function isPadded(node: GraphNode): boolean {
  const auto = node.attributes.auto_pad;
  if (auto?.type === 'string' && auto.value.startsWith('SAME')) return true;
  return intsAttribute(node, 'pads', []).some((pad) => pad > 0);
}

/** Whether what a node reads comes from bytes with a zero point that is not 0, or is not known. */
function readsOffsetBytes(
  { inputs }: GraphNode,
  graph: Graph,
  makers: ReadonlyMap<string, GraphNode>,
): boolean {
  const seen = new Set<string>();
  const open = [...inputs];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const maker = makers.get(name);
    if (!maker || seen.has(name) || COMPUTES.has(maker.op)) continue;
    seen.add(name);
    if (maker.op !== 'DequantizeLinear') {
      open.push(...maker.inputs);
      continue;
    }
    const zero = maker.inputs[2];
    if (!zero) continue;
    const value = graph.initializers.get(zero);
    if (value === undefined || value.data.some(Boolean)) return true;
  }
  return false;
}

function hasNaN({ dtype, data }: TensorValue): boolean {
  if (dtype === 'float32' || dtype === 'float64') return (data as Float32Array).some(Number.isNaN);
  if (dtype !== 'float16' && dtype !== 'bfloat16') return false;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return toFloat32(bytes, dtype).some(Number.isNaN);
}
