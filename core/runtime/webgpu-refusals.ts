import { type Graph, type GraphNode, intsAttribute } from '../onnx/graph.ts';
import type { KnownValues } from '../onnx/operators/operator.ts';
import { inferKnownValues } from '../onnx/shape-inference.ts';

/**
 * Why a model's answers would be wrong, or may be, on onnxruntime's WebGPU provider (1.30), which takes it without a word:
 * findings/onnxruntime-webgpu-conv-and-slice.sh. It is asked of what the session is opened with.
 * @returns the first reason, with the node's name; undefined if none is known
 */
export function whyNotOnWebGpu(graph: Graph): string | undefined {
  const known = inferKnownValues(graph);
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  for (const node of graph.nodes) {
    const trouble = whyNotNode(node, known, makers);
    if (trouble !== undefined) return `its ${node.op} "${node.name || node.outputs[0]}" ${trouble}`;
    for (const attribute of Object.values(node.attributes)) {
      const inside =
        attribute.type === 'graph' ? whyNotOnWebGpu(withOuter(attribute.value, known)) : undefined;
      if (inside !== undefined) return inside;
    }
  }
  return undefined;
}

/** The body of a loop or a condition, with what it can read of the graph around it. */
function withOuter(body: Graph, { shapes, constants }: KnownValues): Graph {
  const around = [...shapes].map(([name, shape]) => ({ name, ...shape }));
  return {
    ...body,
    inputs: [...around, ...body.inputs],
    initializers: new Map([...constants, ...body.initializers]),
  };
}

function whyNotNode(
  node: GraphNode,
  known: KnownValues,
  makers: ReadonlyMap<string, GraphNode>,
): string | undefined {
  if (node.domain !== '') return undefined;
  if (node.op === 'Slice') return whyNotSlice(node, known);
  return node.op === 'Conv' ? whyNotConv(node, known, makers) : undefined;
}

/** With a negative step the provider begins at the last value, wherever the slice is to begin. */
function whyNotSlice(node: GraphNode, known: KnownValues): string | undefined {
  // Before opset 10 there were no steps.
  if (!node.inputs[4]) return undefined;
  const steps = intsOf(node.inputs[4], known);
  if (!steps) return 'has steps that are computed, and WebGPU begins all negative ones at the last value';
  if (steps.every((step) => step > 0)) return undefined;
  const starts = intsOf(node.inputs[1], known);
  const axes = node.inputs[3] ? intsOf(node.inputs[3], known) : steps.map((_, axis) => axis);
  const dims = known.shapes.get(node.inputs[0] ?? '')?.dims;
  const begins = steps.every((step, i) => {
    if (step > 0) return true;
    const [start, axis] = [starts?.[i], axes?.[i]];
    if (start === undefined) return false;
    // Exporters write the largest number for the last place.
    if (start === -1 || start >= 2 ** 31 - 1) return true;
    const size = axis === undefined ? undefined : dims?.at(axis);
    return typeof size === 'number' && start >= size - 1;
  });
  return begins ? undefined : 'goes backwards, not surely from the last value, where WebGPU begins';
}

/**
 * A kernel as large as its image, without padding before it, is taken for one product, and the padding after it is
 * forgotten. A Pad before the Conv is made part of it by the optimiser.
 */
function whyNotConv(
  node: GraphNode,
  known: KnownValues,
  makers: ReadonlyMap<string, GraphNode>,
): string | undefined {
  const weight = known.shapes.get(node.inputs[1] ?? '')?.dims.slice(2);
  const kernel = intsAttribute(node, 'kernel_shape', []);
  const sizes = kernel.length > 0 ? kernel : weight;
  const auto = node.attributes.auto_pad;
  const automatic = auto?.type === 'string' ? auto.value : 'NOTSET';
  const given = intsAttribute(node, 'pads', []);
  const rank = sizes?.length ?? Math.max(given.length / 2, 1);
  let pads = given.length > 0 ? given : Array<number>(2 * rank).fill(0);
  if (automatic.startsWith('SAME')) pads = samePads(node, sizes, automatic === 'SAME_LOWER');
  else if (automatic === 'VALID') pads = pads.map(() => 0);
  let image = node.inputs[0] ?? '';
  for (let found = 0; automatic === 'NOTSET' && found < 8; found++) {
    const pad = makers.get(image);
    const more = pad && padding(pad, known, rank);
    if (!more) break;
    pads = pads.map((amount, i) => amount + more[i]!);
    image = pad.inputs[0]!;
  }
  const isLost = pads.slice(0, rank).every((pad) => pad === 0) && pads.slice(rank).some((pad) => pad > 0);
  if (!isLost) return undefined;
  const dims = known.shapes.get(image)?.dims.slice(2);
  const same = Array.from({ length: rank }, (_, axis) => {
    const [size, length] = [sizes?.[axis], dims?.[axis]];
    return typeof size === 'number' && typeof length === 'number' ? size === length : undefined;
  });
  if (same.includes(false)) return undefined;
  return same.includes(undefined)
    ? 'is padded at the end only and the size of its image is not known; WebGPU forgets the padding where the kernel is as large'
    : 'has a kernel as large as its image, and padding at the end only, which WebGPU forgets';
}

/** What SAME_UPPER or SAME_LOWER adds to an image of the kernel's size, the only one that matters here. */
function samePads(node: GraphNode, sizes: KnownSizes | undefined, lower: boolean): number[] {
  // Of a kernel that is not known, the worst: SAME_LOWER never pads at the end only.
  if (!sizes?.every((size) => typeof size === 'number'))
    return (sizes ?? ['unknown']).flatMap(() => (lower ? [1, 1] : [0, 1])).sort();
  const strides = intsAttribute(node, 'strides', []);
  const dilations = intsAttribute(node, 'dilations', []);
  const totals = sizes.map((size, axis) => {
    const stride = strides[axis] ?? 1;
    const reach = (size - 1) * (dilations[axis] ?? 1) + 1;
    return Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
  });
  const less = totals.map((total) => Math.floor(total / 2));
  const more = totals.map((total) => Math.ceil(total / 2));
  return lower ? [...more, ...less] : [...less, ...more];
}

type KnownSizes = readonly (number | string)[];

/** The zeros that a Pad puts around the last `rank` axes; undefined if it is none that the optimiser joins to a Conv. */
function padding(node: GraphNode, known: KnownValues, rank: number): number[] | undefined {
  if (node.op !== 'Pad' || node.domain !== '') return undefined;
  const mode = node.attributes.mode;
  if (mode?.type === 'string' && mode.value !== 'constant') return undefined;
  const pads = node.attributes.pads ? intsAttribute(node, 'pads', []) : intsOf(node.inputs[1], known);
  const all = rank + 2;
  const axes = node.inputs[3] ? intsOf(node.inputs[3], known) : Array.from({ length: all }, (_, i) => i);
  if (!pads || !axes || pads.length !== 2 * axes.length || pads.some((pad) => pad < 0)) return undefined;
  const result = Array<number>(2 * rank).fill(0);
  for (const [i, axis] of axes.entries()) {
    const place = (axis < 0 ? axis + all : axis) - 2;
    if (place < 0) continue;
    result[place] = pads[i]!;
    result[rank + place] = pads[axes.length + i]!;
  }
  return result;
}

function intsOf(name: string | undefined, { constants, ints }: KnownValues): number[] | undefined {
  if (!name) return undefined;
  const constant = constants.get(name);
  if (constant) return Array.from(constant.data, Number);
  const computed = ints.get(name);
  return computed?.every((value) => typeof value === 'number') ? computed : undefined;
}
