import { oneLine, UserError } from '../errors.ts';
import { checkGraph } from './check-graph.ts';
import type { Attribute, Dim, Graph, GraphNode, TensorValue, ValueInfo } from './graph.ts';
import { inlineFunctions } from './inline-functions.ts';
import { type Onnx, onnx } from './newer-fields.ts';
import { OPSET_VERSION } from './opset.ts';
import { parseModel } from './parse-model.ts';
import { inferKnownShapes } from './shape-inference.ts';
import { sortNodes } from './sort-nodes.ts';
import { dataTypeOf, decodeTensor } from './tensor-proto.ts';

const AttributeType = onnx.AttributeProto.AttributeType;

/** An ONNX model in memory. */
export interface DecodedModel {
  graph: Graph;
  /** The strings of its `metadata_props`. */
  metadata: Record<string, string>;
  /** Version of the ai.onnx operator set. */
  opset: number;
}

/**
 * Reads an ONNX model of any version, its functions put in where they are called. It is checked as far as can
 * be without running it: sizes, references, order.
 * @param source what to call the model in an error, e.g. its path
 * @throws UserError if the bytes are not an ONNX model, the model is malformed or uses features we do not
 *   support; in one line, whatever names the file holds
 */
export function decodeModel(bytes: Uint8Array, source = 'model'): DecodedModel {
  try {
    const model = parsePlainModel(bytes, source);
    const graph = decodeGraph(model.graph, source);
    checkGraph(graph, source);
    const declared = model.opsetImport.find((entry) => !entry.domain || entry.domain === 'ai.onnx');
    const opset = Number(declared?.version ?? 1);
    if (opset !== OPSET_VERSION) graph.opset = opset;
    shapeUndeclaredOutputs(graph, model.graph);
    const metadata = Object.fromEntries(
      model.metadataProps.flatMap(({ key, value }) => (key ? [[key, value ?? '']] : [])),
    );
    return { graph, metadata, opset };
  } catch (error) {
    throw error instanceof UserError ? new UserError(oneLine(error.message)) : error;
  }
}

/**
 * Parses a model as messages whose nodes are those that {@link decodeModel} gives, one for one: without functions
 * of its own, and in an order to run them in.
 * @throws UserError as `parseModel`, or if functions or nodes go in a circle
 */
export function parsePlainModel(bytes: Uint8Array, source: string): ReturnType<typeof parseModel> {
  const model = inlineFunctions(parseModel(bytes, source), source);
  sortNodes(model.graph, source);
  return model;
}

function decodeGraph(proto: Onnx.IGraphProto, source: string): Graph {
  if ((proto.sparseInitializer ?? []).length > 0) {
    throw new UserError(`${source} has sparse initializers, which are not supported`);
  }
  const initializers = new Map<string, TensorValue>();
  for (const tensor of proto.initializer ?? []) {
    const name = tensor.name ?? '';
    if (initializers.has(name)) throw new UserError(`${source}: the initializer "${name}" is there twice`);
    initializers.set(name, decodeTensor(tensor, source));
  }
  const others = (proto.output ?? [])
    .filter((output) => !isTensor(output))
    .map(({ name, type }) => ({ name: name ?? '', type: describeType(type) }));
  return {
    name: proto.name ?? '',
    // Older models also list their initializers among the inputs.
    inputs: (proto.input ?? [])
      .filter((v) => !initializers.has(v.name ?? ''))
      .map((v) => decodeValueInfo(v, source)),
    outputs: (proto.output ?? []).filter(isTensor).map((v) => decodeValueInfo(v, source)),
    ...(others.length > 0 ? { otherOutputs: others } : {}),
    nodes: (proto.node ?? []).map((node) => decodeNode(node, source)),
    initializers,
  };
}

/** Sequences, dictionaries and optional values are none; a value without any type is for {@link decodeValueInfo}. */
function isTensor({ type }: Onnx.IValueInfoProto): boolean {
  const { sequenceType, mapType, ...other } = (type ?? {}) as Record<string, unknown>;
  return !sequenceType && !mapType && !other.optionalType && !other.sparseTensorType;
}

/** A type as a person would write it: `float32`, `sequence(map(string, float32))`. */
export function describeType(type: Onnx.ITypeProto | null | undefined): string {
  const element = (code: number | null | undefined): string => dataTypeOf(code) ?? `type ${code}`;
  if (type?.tensorType) return element(type.tensorType.elemType);
  if (type?.sequenceType) return `sequence(${describeType(type.sequenceType.elemType)})`;
  if (type?.mapType) {
    return `map(${element(type.mapType.keyType)}, ${describeType(type.mapType.valueType)})`;
  }
  const { optionalType, sparseTensorType } = (type ?? {}) as Record<string, { elemType?: Onnx.ITypeProto }>;
  if (optionalType) return `optional(${describeType(optionalType.elemType)})`;
  return sparseTensorType ? 'sparse' : 'no type';
}

function decodeValueInfo(value: Onnx.IValueInfoProto, source: string): ValueInfo {
  const tensor = value.type?.tensorType;
  const dtype = dataTypeOf(tensor?.elemType);
  const name = value.name ?? '';
  if (!tensor || dtype === undefined)
    throw new UserError(`${source}: "${name}" is not a tensor of a supported type`);
  const dims = (tensor.shape?.dim ?? []).map((dim, axis): Dim => {
    if (dim.dimParam) return dim.dimParam;
    const size = Number(dim.dimValue ?? 0);
    return size > 0 ? size : `${name}_${axis}`;
  });
  return { name, dtype, dims };
}

/** An output of a type and no shape, as exporters write one whose rank they do not know, has the shape that it is computed in. */
function shapeUndeclaredOutputs(graph: Graph, proto: Onnx.IGraphProto): void {
  const undeclared = (proto.output ?? []).filter(({ type }) => type?.tensorType && !type.tensorType.shape);
  if (undeclared.length === 0) return;
  const names = new Set(undeclared.map(({ name }) => name));
  const shapes = inferKnownShapes(graph);
  for (const output of graph.outputs) {
    const shape = names.has(output.name) ? shapes.get(output.name) : undefined;
    if (shape?.dtype === output.dtype) output.dims = [...shape.dims];
  }
}

function decodeNode(node: Onnx.INodeProto, source: string): GraphNode {
  const where = `${source}: node "${node.name || node.output?.[0]}"`;
  // fromEntries makes a property of any name, "__proto__" as well.
  const attributes: Record<string, Attribute> = Object.fromEntries(
    (node.attribute ?? []).map((attribute) => [attribute.name ?? '', decodeAttribute(attribute, where)]),
  );
  return {
    op: node.opType ?? '',
    domain: node.domain === 'ai.onnx' ? '' : (node.domain ?? ''),
    name: node.name ?? '',
    inputs: node.input ?? [],
    outputs: node.output ?? [],
    attributes,
  };
}

function decodeAttribute(proto: Onnx.IAttributeProto, where: string): Attribute {
  const utf8 = new TextDecoder();
  switch (proto.type) {
    case AttributeType.INT:
      return { type: 'int', value: Number(proto.i ?? 0) };
    case AttributeType.FLOAT:
      return { type: 'float', value: proto.f ?? 0 };
    case AttributeType.STRING:
      return { type: 'string', value: utf8.decode(proto.s ?? new Uint8Array()) };
    case AttributeType.INTS:
      return { type: 'ints', value: (proto.ints ?? []).map(Number) };
    case AttributeType.FLOATS:
      return { type: 'floats', value: proto.floats ?? [] };
    case AttributeType.STRINGS:
      return { type: 'strings', value: (proto.strings ?? []).map((s) => utf8.decode(s)) };
    case AttributeType.TENSOR:
      return { type: 'tensor', value: decodeTensor(proto.t ?? {}, where) };
    case AttributeType.GRAPH:
      return { type: 'graph', value: decodeGraph(proto.g ?? {}, where) };
    default:
      throw new UserError(`${where}: attribute "${proto.name}" has the unsupported type ${proto.type}`);
  }
}
