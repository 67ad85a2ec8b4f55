import type { onnx as Onnx } from 'onnx-proto';
import { UserError } from '../../core/errors.ts';
import { keepScores } from '../../core/foreign-model/keep-scores.ts';
import { scoresOfGraph } from '../../core/foreign-model/score-kind.ts';
import { isOurs } from '../../core/model-metadata.ts';
import { nodeMacs } from '../../core/onnx/count-macs.ts';
import { decodeModel, parsePlainModel } from '../../core/onnx/decode-model.ts';
import {
  type DataType,
  type Dim,
  type Graph,
  type GraphNode,
  sizeOf,
  type ValueInfo,
} from '../../core/onnx/graph.ts';
import { operatorOf } from '../../core/onnx/operators/index.ts';
import { serializeModel } from '../../core/onnx/parse-model.ts';
import { inferKnownShapes, type TensorShape } from '../../core/onnx/shape-inference.ts';
import { Random } from '../../core/random.ts';
import { Tensor } from '../../core/runtime/session.ts';
import { parametersOf } from './parameters.ts';
import { type ProfiledNode, profileModel } from './profile.ts';
import { type WeightStatistics, weightStatistics } from './weight-statistics.ts';

/** A node of the graph; constants are left out. */
export interface LayerReport {
  name: string;
  op: string;
  /** Dimensions of its first output for the batch tried; null if not known. */
  shape: Dim[] | null;
  /** What it reads of inputs and other layers, by name; not its weights and constants. */
  inputs: string[];
  outputs: string[];
  /** Values it learned. */
  parameters: number;
  /** What these take. */
  parameterBytes: number;
  /** Multiply-accumulates for the batch; null if its operator's are not known. */
  macs: number | null;
  /** Time of one run, without fusion with other nodes; null if it was not run. */
  milliseconds: number | null;
}

export interface WeightReport extends WeightStatistics {
  name: string;
  dtype: DataType;
  dims: number[];
}

/** What `npm run inspect` tells of a model; `--json` prints it as it is. */
export interface InspectReport {
  source: string;
  /** Size of the model, with data that the file keeps elsewhere. */
  bytes: number;
  irVersion: number;
  opsets: Record<string, number>;
  producer: string;
  metadata: Record<string, string>;
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  /** Those that are no tensors. */
  otherOutputs: { name: string; type: string }[];
  /** What outputs of floats hold as far as the graph says it: `logits`, `probabilities`, ... or `unknown`. */
  scores: { name: string; scores: string }[];
  /** The batch size tried; 1 image at a time for a model that takes no other. */
  batch: number;
  /** The inputs with the sizes tried for those they leave open. */
  triedInputs: ValueInfo[];
  /** How many nodes there are of each operator. */
  operators: Record<string, number>;
  parameters: number;
  initializerBytes: number;
  /** Multiply-accumulates for one image, of the operators they are known of. */
  macs: number;
  /** Operators whose multiply-accumulates are not in `macs`. */
  notCounted: string[];
  layers: LayerReport[];
  weights: WeightReport[];
  /** Time of one run by operator, as onnxruntime runs the graph after its optimisations. */
  timeByOperator: { op: string; nodes: number; milliseconds: number }[];
  /** Why there are no times, and shapes by our rules only. */
  problem: string | null;
}

export interface InspectOptions extends OpenSizes {
  /** How many times the model is run for its times; 0: not at all, and onnxruntime is not asked for shapes. */
  runs: number;
}

/**
 * Takes a model apart: what it reads and gives, its layers with shapes, parameters and cost, how its weights are
 * spread, and where onnxruntime spends its time. What cannot be told is left out, with the reason in `problem`.
 * @param source what to call the model in an error
 * @throws UserError if the bytes are no ONNX model
 */
export async function inspectModel(
  bytes: Uint8Array,
  options: InspectOptions,
  source: string,
): Promise<InspectReport> {
  const decoded = decodeModel(bytes, source);
  const proto = parsePlainModel(bytes, source);
  const graph = withSizes(decoded.graph, options);
  const { byNode, byOperator, problem } = await profile(bytes, proto, graph, options);
  const shapes = valueShapes(graph, byNode);
  const layers = layersOf(graph, shapes, byNode);
  const batch = Number(graph.inputs[0]?.dims[0] ?? 1) || 1;
  const parameters = [...parametersOf(graph).values()].flat();
  const initializerBytes = [...graph.initializers.values()].reduce(
    (sum, { data }) => sum + data.byteLength,
    0,
  );
  return {
    source,
    bytes: bytes.length,
    irVersion: Number(proto.irVersion),
    opsets: Object.fromEntries(
      proto.opsetImport.map(({ domain, version }) => [domain || 'ai.onnx', Number(version)]),
    ),
    producer: [proto.producerName, proto.producerVersion].filter(Boolean).join(' '),
    metadata: decoded.metadata,
    inputs: decoded.graph.inputs,
    outputs: decoded.graph.outputs,
    otherOutputs: decoded.graph.otherOutputs ?? [],
    scores: scoresOf(decoded.graph, decoded.metadata),
    batch,
    triedInputs: graph.inputs,
    operators: countOperators(graph),
    parameters: layers.reduce((sum, layer) => sum + layer.parameters, 0),
    initializerBytes,
    macs: layers.reduce((sum, { macs }) => sum + (macs ?? 0), 0) / batch,
    notCounted: [...new Set(layers.filter(({ macs }) => macs === null).map(({ op }) => op))].sort(),
    layers,
    weights: parameters.map(({ name, tensor }) => ({
      name,
      dtype: tensor.dtype,
      dims: tensor.dims,
      ...weightStatistics(tensor),
    })),
    timeByOperator: byOperator,
    problem,
  };
}

/** What each output with floats holds, by the graph alone; of a file of ours, what it says. */
function scoresOf(graph: Graph, metadata: Readonly<Record<string, string>>): InspectReport['scores'] {
  const zipped = graph.nodes.filter(({ op }) => op === 'ZipMap').map(({ inputs }) => inputs[0] ?? '');
  const floats = graph.outputs.filter(({ dtype }) => /^b?float/.test(dtype)).map(({ name }) => name);
  return [...floats, ...(graph.otherOutputs ? zipped : [])].map((name) => {
    if (name === 'logits' && isOurs(metadata)) return { name, scores: metadata.scores ?? 'logits' };
    return { name, scores: scoresOfGraph(graph, name).scores };
  });
}

/** Runs the model, once as the file has it for shapes and layers, and once as a server would for the times. */
async function profile(
  bytes: Uint8Array,
  proto: Onnx.IModelProto,
  graph: Graph,
  { runs }: InspectOptions,
): Promise<{ byNode: ProfiledNode[]; byOperator: InspectReport['timeByOperator']; problem: string | null }> {
  if (runs === 0) return { byNode: [], byOperator: [], problem: null };
  try {
    const feeds = randomFeeds(graph);
    const nodes = runnable(named(proto), graph);
    const byNode = await profileModel(serializeModel(nodes), feeds, { runs, fused: false });
    const whole = graph.otherOutputs ? serializeModel(runnable(proto, graph)) : bytes;
    const fused = await profileModel(whole, feeds, { runs, fused: true });
    return { byNode, byOperator: sumByOperator(fused), problem: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { byNode: [], byOperator: [], problem: error.message };
  }
}

/** The model without outputs that onnxruntime's binding has no values for. */
function runnable(proto: Onnx.IModelProto, { otherOutputs }: Graph): Onnx.IModelProto {
  if (!otherOutputs) return proto;
  const graph = { ...proto.graph };
  keepScores(graph, undefined, 'the model');
  return { ...proto, graph };
}

/** The model with nodes whose names tell which they are. */
function named(proto: Onnx.IModelProto): Onnx.IModelProto {
  const node = proto.graph?.node?.map((each, index) => ({ ...each, name: profiledName(index) }));
  return { ...proto, graph: { ...proto.graph, ...(node && { node }) } };
}

function layersOf(
  graph: Graph,
  shapes: ReadonlyMap<string, TensorShape>,
  profile: readonly ProfiledNode[],
): LayerReport[] {
  const parameters = parametersOf(graph);
  const constants = new Set(graph.nodes.flatMap(({ op, outputs }) => (op === 'Constant' ? outputs : [])));
  const times = new Map(profile.map(({ name, milliseconds }) => [name, milliseconds]));
  return graph.nodes
    .map((node, index) => ({
      name: node.name || node.outputs[0] || '',
      op: node.domain === '' ? node.op : `${node.domain}.${node.op}`,
      shape: dimsOf(node, shapes),
      inputs: readsOf(node).filter((name) => !graph.initializers.has(name) && !constants.has(name)),
      outputs: node.outputs.filter((name) => name !== ''),
      parameters: parameters.get(node)!.reduce((sum, { tensor }) => sum + sizeOf(tensor.dims), 0),
      parameterBytes: parameters.get(node)!.reduce((sum, { tensor }) => sum + tensor.data.byteLength, 0),
      macs: macsOf(node, shapes),
      milliseconds: times.get(profiledName(index)) ?? null,
    }))
    .filter(({ op }) => op !== 'Constant');
}

/** What a node reads, by itself or within its subgraphs, of the graph that it is in. */
function readsOf({ inputs, attributes }: GraphNode): string[] {
  const outer = Object.values(attributes).flatMap((attribute) => {
    if (attribute.type !== 'graph') return [];
    const body = attribute.value;
    const own = new Set([
      ...body.inputs.map(({ name }) => name),
      ...body.initializers.keys(),
      ...body.nodes.flatMap(({ outputs }) => outputs),
    ]);
    const read = [...body.nodes.flatMap(readsOf), ...body.outputs.map(({ name }) => name)];
    return read.filter((name) => !own.has(name));
  });
  return [...new Set([...inputs, ...outer])].filter((name) => name !== '');
}

function dimsOf({ outputs }: GraphNode, shapes: ReadonlyMap<string, TensorShape>): Dim[] | null {
  return shapes.get(outputs[0] ?? '')?.dims ?? null;
}

function macsOf(node: GraphNode, shapes: ReadonlyMap<string, TensorShape>): number | null {
  if (!operatorOf(node)) return null;
  try {
    return nodeMacs(node, shapes, '');
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

function countOperators(graph: Graph): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { op } of graph.nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

function sumByOperator(profile: readonly ProfiledNode[]): InspectReport['timeByOperator'] {
  const sums = new Map<string, { op: string; nodes: number; milliseconds: number }>();
  for (const { op, milliseconds } of profile) {
    const sum = sums.get(op) ?? { op, nodes: 0, milliseconds: 0 };
    sum.nodes++;
    sum.milliseconds += milliseconds;
    sums.set(op, sum);
  }
  return [...sums.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Larger inputs are a mistake, or a graph made to fill the memory. */
const MAX_VALUES = 2 ** 28;

/** The sizes that are tried for the images of a model that takes any. */
interface OpenSizes {
  batch: number;
  /** Height and width. */
  size: number;
}

/**
 * A graph with sizes for those its inputs leave open: the first is the batch, and of an image's others 3 are
 * the channels of the shorter side and the rest its height and width.
 */
function withSizes(graph: Graph, { batch, size }: OpenSizes): Graph {
  const inputs = graph.inputs.map((input): ValueInfo => {
    const { dims } = input;
    const image = dims.length === 4;
    // Channels come last in models that have them there.
    const channels = image && typeof dims[3] === 'number' && dims[3] <= 4 ? 3 : 1;
    const fixed = dims.map((dim, axis) => {
      if (typeof dim === 'number') return dim;
      if (axis === 0) return batch;
      return image ? (axis === channels ? 3 : size) : 1;
    });
    return { ...input, dims: fixed };
  });
  return { ...graph, inputs };
}

/** Seeded values for every input of a graph whose sizes are known. @throws UserError for types without any */
function randomFeeds(graph: Graph): Record<string, Tensor> {
  const random = new Random(1);
  return Object.fromEntries(
    graph.inputs.map(({ name, dtype, dims }) => {
      const sizes = dims.map(Number);
      const length = sizeOf(sizes);
      if (!(length <= MAX_VALUES)) {
        throw new UserError(
          `the input "${name}" of [${sizes.join(', ')}] is too large; give a smaller --batch or --size`,
        );
      }
      return [
        name,
        new Tensor(dtype as 'float32', values(dtype, length, random, name) as Float32Array, sizes),
      ];
    }),
  );
}

function values(dtype: DataType, length: number, random: Random, name: string) {
  const normal = { length } as ArrayLike<unknown>;
  switch (dtype) {
    case 'float32':
      return Float32Array.from(normal, () => random.normal());
    case 'float64':
      return Float64Array.from(normal, () => random.normal());
    case 'uint8':
      return Uint8Array.from(normal, () => Math.floor(256 * random.uniform()));
    // Half precision of 1, and whatever is an index or a mask: 0.
    case 'float16':
      return new Uint16Array(length).fill(0x3c00);
    case 'int8':
      return new Int8Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'int64':
      return new BigInt64Array(length);
    case 'bool':
      return new Uint8Array(length);
    default:
      throw new UserError(`the input "${name}" is of type ${dtype}, for which there are no values to try`);
  }
}

/** Under what name a node of the file is found in a profile. */
function profiledName(index: number): string {
  return `inspected-node-${index}`;
}

/**
 * The shape of every value that is known: what onnxruntime made of it, where it ran the node, else what our
 * rules say (they are those of opset 15; of other versions an operator may differ).
 * @param graph sizes of its inputs known
 * @param profile of the same graph, its nodes named by {@link profiledName}
 */
function valueShapes(graph: Graph, profile: readonly ProfiledNode[]): Map<string, TensorShape> {
  const ran = new Map(profile.map((node) => [node.name, node]));
  const measured = new Map(
    graph.nodes.flatMap((node, index) => {
      const outputs = node.outputs.filter((output) => output !== '');
      const shapes = ran.get(profiledName(index))?.shapes ?? [];
      return outputs.flatMap((output, i): [string, number[]][] => (shapes[i] ? [[output, shapes[i]]] : []));
    }),
  );
  return inferKnownShapes(graph, measured);
}
