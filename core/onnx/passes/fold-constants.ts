import { errorMessage, UserError } from '../../errors.ts';
import { type InferenceSession, openSession } from '../../runtime/session.ts';
import { GraphBuilder } from '../builder.ts';
import { encodeModel, encodeMoreOutputs } from '../encode-model.ts';
import {
  type DataType,
  type Dim,
  type Graph,
  type GraphNode,
  int,
  int64Tensor,
  intAttribute,
  sizeOf,
  type TensorData,
  type TensorValue,
} from '../graph.ts';
import { operatorOf } from '../operators/index.ts';
import type { KnownValues } from '../operators/operator.ts';
import { initializerRoles } from '../roles.ts';
import { inferKnownValues, inferTypes } from '../shape-inference.ts';
import { dataTypeCode } from '../tensor-proto.ts';
import { hoistConstants } from './hoist-constants.ts';

export interface FoldOptions {
  /** Version of ai.onnx that the graph is of, 13 or later. */
  opset: number;
  /** Opens a session for the constants, a model without inputs; default {@link openSession}. */
  open?: (model: Uint8Array) => Promise<Pick<InferenceSession, 'run' | 'release'>>;
  /**
   * Which initializers stay, with all that is computed of them, because they are to be trained; by default those that
   * {@link initializerRoles} takes for parameters. What of them only the shape is asked for is folded all the same.
   */
  isTrained?: (name: string, tensor: TensorValue) => boolean;
}

/** What a session gives as it is. */
const FOLDED: readonly DataType[] = [
  ...(['float32', 'float64', 'float16', 'int64', 'int32', 'int16', 'int8'] as const),
  ...(['uint64', 'uint32', 'uint16', 'uint8', 'bool'] as const),
];
/** Larger ones, of a mask that is filled or an expanded table, would only be a larger file. */
const MOST_VALUES = 2 ** 22;

/**
 * Makes an initializer of everything that does not depend on the graph's inputs: constants, and the arithmetic on sizes
 * and indices that exporters write, once the sizes are known (fix those of the inputs first, see `fixBatch`; what
 * depends on a named one stays). Nodes and initializers that nothing reads any more are left out, and so is what only
 * hands a value on, as Identity does and a Cast to the type that it has; sequences of the parts of a tensor become Splits.
 * A weight that Identity gives several names, as PyTorch's exporter does to equal ones, becomes one of each name. The
 * graph's inputs and outputs stay.
 * @returns a new graph, tensors that did not change shared, and which of its initializers are to be trained
 * @throws UserError if the constants cannot be computed
 */
export async function foldConstants(
  graph: Graph,
  options: FoldOptions,
): Promise<{ graph: Graph; trained: Set<string> }> {
  let folded = hoistConstants(graph);
  const { isTrained } = options;
  const weights = isTrained
    ? [...folded.initializers].flatMap(([name, tensor]) => (isTrained(name, tensor) ? [name] : []))
    : initializerRoles(folded).parameters;
  const trained = new Set(weights);
  for (;;) {
    let known: KnownValues;
    do {
      leaveOutAliases(folded, trained);
      known = inferKnownValues(folded);
    } while (splitSequences(folded, known));
    const constants = readOff(folded, known);
    const computed = computedOfConstants(folded, known, constants, trained);
    const names = readElsewhere(folded, computed);
    for (const [name, tensor] of await evaluate(folded, computed, constants, names, options)) {
      constants.set(name, tensor);
    }
    if (constants.size === 0) {
      folded = withoutUnread(folded);
      return {
        graph: folded,
        trained: new Set([...trained].filter((name) => folded.initializers.has(name))),
      };
    }
    const done = new Set(computed);
    folded = withoutUnread({
      ...folded,
      nodes: folded.nodes.filter((node) => !done.has(node) && !constants.has(node.outputs[0] ?? '')),
      initializers: new Map([...folded.initializers, ...constants]),
    });
  }
}

/**
 * Makes readers of what a node only hands on read it where it comes from. Of an initializer it becomes another.
 * @param trained names of those that are to be trained, to which such copies are added
 */
function leaveOutAliases(graph: Graph, trained: Set<string>): void {
  const types = inferTypes(graph);
  const fixed = new Set([...outputNames(graph), ...readInBodies(graph.nodes)]);
  const origins = new Map<string, string>();
  graph.nodes = graph.nodes.flatMap((node) => {
    node.inputs = node.inputs.map((name) => origins.get(name) ?? name);
    const [from = ''] = node.inputs;
    const [to = ''] = node.outputs;
    const type = types.get(to);
    const isCast = node.op === 'Cast' || node.op === 'CastLike';
    if (node.domain !== '' || !type || !(isCast || node.op === 'Identity')) return [node];
    if (type !== types.get(from) || fixed.has(to)) {
      // The type is known now, so that nothing depends on the value that had it.
      return node.op === 'CastLike'
        ? [
            {
              ...node,
              op: 'Cast',
              inputs: [from],
              attributes: { ...node.attributes, to: int(dataTypeCode(type)) },
            },
          ]
        : [node];
    }
    const tensor = graph.initializers.get(from);
    if (!tensor) origins.set(to, from);
    else graph.initializers.set(to, tensor);
    if (trained.has(from)) trained.add(to);
    return [];
  });
}

/** Whole numbers that are known already: sizes, and what is computed with them. */
function readOff(graph: Graph, { shapes, ints }: KnownValues): Map<string, TensorValue> {
  const constants = new Map<string, TensorValue>();
  const outputs = outputNames(graph);
  for (const { outputs: given } of graph.nodes) {
    const [name = ''] = given;
    const values = ints.get(name);
    const shape = shapes.get(name);
    if (!values || !shape || given.length > 1 || outputs.has(name)) continue;
    if (!values.every(isNumber) || !shape.dims.every(isNumber)) continue;
    const { dtype, dims } = shape;
    if (sizeOf(dims) !== values.length) continue;
    if (dtype === 'int64') constants.set(name, int64Tensor(values, dims));
    else {
      const data = dtype === 'bool' ? Uint8Array.from(values) : Int32Array.from(values);
      constants.set(name, { dtype, dims, data });
    }
  }
  return constants;
}

/** The nodes that read nothing but constants that are not trained, and that give the same each time. */
function computedOfConstants(
  { nodes, initializers, outputs }: Graph,
  { shapes }: KnownValues,
  readOff: ReadonlyMap<string, TensorValue>,
  trained: ReadonlySet<string>,
): GraphNode[] {
  const constants = new Set([...initializers.keys()].filter((name) => !trained.has(name)));
  for (const name of readOff.keys()) constants.add(name);
  const computed = nodes.filter((node) => {
    const operator = operatorOf(node);
    if (!operator || operator.random?.(node) || readOff.has(node.outputs[0] ?? '')) return false;
    if (!node.inputs.every((name) => name === '' || constants.has(name))) return false;
    if (node.outputs.some((name) => outputs.some((output) => output.name === name))) return false;
    const isFolded = node.outputs.every((name) => {
      if (name === '') return true;
      const shape = shapes.get(name);
      return shape && FOLDED.includes(shape.dtype) && sizeOf(shape.dims.map(leastOf)) <= MOST_VALUES;
    });
    if (isFolded) for (const name of node.outputs) constants.add(name);
    return isFolded;
  });
  return computed;
}

/** A size that depends on values is at least nothing. */
function leastOf(dim: Dim): number {
  return isNumber(dim) ? dim : 1;
}

function isNumber(dim: Dim): dim is number {
  return typeof dim === 'number';
}

function outputNames({ outputs }: Graph): Set<string> {
  return new Set(outputs.map(({ name }) => name));
}

/** What some nodes compute and others read. */
function readElsewhere(graph: Graph, computed: readonly GraphNode[]): string[] {
  const inside = new Set(computed);
  const given = new Set(computed.flatMap(({ outputs }) => outputs));
  const read = readBy(graph.nodes.filter((node) => !inside.has(node)));
  return [...given].filter((name) => read.has(name));
}

/** The values that nodes read, in the bodies of control flow as well. */
function readBy(nodes: readonly GraphNode[]): Set<string> {
  return new Set([...nodes.flatMap(({ inputs }) => inputs), ...readInBodies(nodes)]);
}

function readInBodies(nodes: readonly GraphNode[]): Set<string> {
  const bodies = nodes.flatMap(({ attributes }) =>
    Object.values(attributes).flatMap((attribute) => (attribute.type === 'graph' ? [attribute.value] : [])),
  );
  return new Set(bodies.flatMap((body) => [...readBy(body.nodes), ...outputNames(body)]));
}

const openConstants: NonNullable<FoldOptions['open']> = (model) =>
  openSession(model, { int8: false, quiet: true });

async function evaluate(
  graph: Graph,
  nodes: readonly GraphNode[],
  constants: ReadonlyMap<string, TensorValue>,
  names: readonly string[],
  { opset, open = openConstants }: FoldOptions,
): Promise<Map<string, TensorValue>> {
  if (names.length === 0) return new Map();
  const read = readBy(nodes);
  const initializers = [...graph.initializers, ...constants].filter(([name]) => read.has(name));
  const model = encodeModel(
    { name: 'constants', inputs: [], outputs: [], nodes: [...nodes], initializers: new Map(initializers) },
    {},
    { opset },
  );
  const more = encodeMoreOutputs(names);
  const bytes = new Uint8Array(model.length + more.length);
  bytes.set(model);
  bytes.set(more, model.length);
  try {
    const session = await open(bytes);
    try {
      const results = await session.run({});
      return new Map(names.map((name) => [name, tensorOf(results[name]!)]));
    } finally {
      await session.release();
    }
  } catch (error) {
    throw new UserError(`the constants of the model cannot be computed: ${errorMessage(error)}`);
  }
}

/** A copy of a session's output, whose memory is the session's. */
function tensorOf(value: { type: string; dims: readonly number[]; data: unknown }): TensorValue {
  const dtype = value.type as DataType;
  const data = value.data as TensorData;
  const dims = [...value.dims];
  if (dtype !== 'float16' || data instanceof Uint16Array) return { dtype, dims, data: data.slice() };
  // A Float16Array, where there is such.
  const { buffer, byteOffset, length } = data as unknown as Uint16Array;
  return { dtype, dims, data: new Uint16Array(buffer, byteOffset, length).slice() };
}

/**
 * Makes a Split of a SplitToSequence whose parts are all read by SequenceAt, which is how PyTorch writes `split` and
 * `chunk` where it does not optimise.
 * @returns whether there were any
 */
function splitSequences(graph: Graph, known: KnownValues): boolean {
  const names = new GraphBuilder({ ...graph });
  let found = false;
  graph.nodes = graph.nodes.flatMap((node) => {
    if (node.op !== 'SplitToSequence' || node.domain !== '') return [node];
    const [sequence = ''] = node.outputs;
    const readers = graph.nodes.filter(({ inputs }) => inputs.includes(sequence));
    const sizes = partSizes(node, known);
    const indices = readers.map(({ op, inputs: [, index = ''] }) =>
      op === 'SequenceAt' ? Number(graph.initializers.get(index)?.data[0] ?? Number.NaN) : Number.NaN,
    );
    const parts = indices.map((index) => (sizes && index < 0 ? index + sizes.length : index));
    if (!sizes || !parts.every((part) => part < sizes.length) || outputNames(graph).has(sequence))
      return [node];
    found = true;
    const outputs = sizes.map(() => names.unique(sequence));
    readers.forEach((reader, i) => {
      reader.op = 'Identity';
      reader.inputs = [outputs[parts[i]!]!];
    });
    const lengths = names.unique(`${sequence}_sizes`);
    graph.initializers.set(lengths, int64Tensor(sizes));
    const attributes = { ...(node.attributes.axis && { axis: node.attributes.axis }) };
    return [{ ...node, op: 'Split', inputs: [node.inputs[0]!, lengths], outputs, attributes }];
  });
  return found;
}

/** A file may ask for any number of them. */
const MOST_PARTS = 4096;

/** The sizes of a SplitToSequence's parts along its axis; undefined where they are not known. */
function partSizes(node: GraphNode, { shapes, constants, ints }: KnownValues): number[] | undefined {
  const [x = '', split = ''] = node.inputs;
  const dims = shapes.get(x)?.dims;
  const total = dims?.at(intAttribute(node, 'axis', 0));
  // Without sizes the parts are single ones, whose axis may go.
  if (typeof total !== 'number' || split === '') return undefined;
  const given = constants.get(split)?.data ?? ints.get(split);
  if (!given) return undefined;
  if (shapes.get(split)!.dims.length === 1) {
    return given.length > MOST_PARTS ? undefined : Array.from(given, Number);
  }
  const each = Number(given[0]);
  if (!(each >= 1) || total / each > MOST_PARTS) return undefined;
  return Array.from({ length: Math.ceil(total / each) }, (_, i) => Math.min(each, total - i * each));
}

/** Leaves out nodes, and then initializers, that nothing reads. */
function withoutUnread(graph: Graph): Graph {
  const needed = outputNames(graph);
  const nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((name) => needed.has(name))) return false;
      for (const name of readBy([node])) needed.add(name);
      return true;
    })
    .toReversed();
  const initializers = new Map([...graph.initializers].filter(([name]) => needed.has(name)));
  return { ...graph, nodes, initializers };
}
