import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { UserError } from '../errors.ts';
import type { Attribute, Dim, Graph, GraphNode, ValueInfo } from './graph.ts';
import { dataTypeCode, dataTypeOf, decodeTensor, encodeTensor } from './tensor-proto.ts';

const { onnx } = onnxProto;
const AttributeType = onnx.AttributeProto.AttributeType;

/** The IR version and operator set every model we write declares (ONNX 1.10). */
export const IR_VERSION = 8;
export const OPSET_VERSION = 15;

/**
 * Serialises a graph as an ONNX model: IR 8, opset 15, and opset 1 of any other domain in use.
 * The same graph and metadata give the same bytes.
 */
export function encodeModel(graph: Graph, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const domains = [...new Set(graph.nodes.map((node) => node.domain))]
    .filter((domain) => domain !== '')
    .sort();
  const model: Onnx.IModelProto = {
    irVersion: IR_VERSION,
    producerName: 'onnx-classifier',
    producerVersion: '0.1.0',
    opsetImport: [
      { domain: '', version: OPSET_VERSION },
      ...domains.map((domain) => ({ domain, version: 1 })),
    ],
    graph: {
      name: graph.name,
      input: graph.inputs.map(encodeValueInfo),
      output: graph.outputs.map(encodeValueInfo),
      node: graph.nodes.map(encodeNode),
      initializer: [...graph.initializers].map(([name, tensor]) => encodeTensor(name, tensor)),
    },
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  };
  // A plain object is what encode takes; create() would copy the weights.
  return onnx.ModelProto.encode(model).finish();
}

/**
 * Reads an ONNX model.
 * @param source what to call the model in an error, e.g. its path
 * @throws UserError if the bytes are not an ONNX model or use features we do not support
 */
export function decodeModel(
  bytes: Uint8Array,
  source = 'model',
): { graph: Graph; metadata: Record<string, string>; opset: number } {
  let model: Onnx.ModelProto;
  try {
    model = onnx.ModelProto.decode(bytes);
  } catch {
    throw new UserError(`${source} is not an ONNX model, or is truncated`);
  }
  const proto = model.graph;
  if (!proto || (proto.node ?? []).length === 0)
    throw new UserError(`${source} is not an ONNX model: it has no graph`);
  const initializers = new Map(
    (proto.initializer ?? []).map((tensor) => [tensor.name ?? '', decodeTensor(tensor, source)]),
  );
  const graph: Graph = {
    name: proto.name ?? '',
    // Older models also list their initializers among the inputs.
    inputs: (proto.input ?? [])
      .filter((v) => !initializers.has(v.name ?? ''))
      .map((v) => decodeValueInfo(v, source)),
    outputs: (proto.output ?? []).map((v) => decodeValueInfo(v, source)),
    nodes: (proto.node ?? []).map((node) => decodeNode(node, source)),
    initializers,
  };
  const metadata: Record<string, string> = {};
  for (const { key, value } of model.metadataProps) if (key) metadata[key] = value ?? '';
  const opset = model.opsetImport.find((entry) => !entry.domain || entry.domain === 'ai.onnx');
  return { graph, metadata, opset: Number(opset?.version ?? 1) };
}

function encodeValueInfo(value: ValueInfo): Onnx.IValueInfoProto {
  return {
    name: value.name,
    type: {
      tensorType: {
        elemType: dataTypeCode(value.dtype),
        shape: {
          dim: value.dims.map((dim) => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim })),
        },
      },
    },
  };
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

function encodeNode(node: GraphNode): Onnx.INodeProto {
  return {
    opType: node.op,
    domain: node.domain,
    name: node.name,
    input: node.inputs,
    output: node.outputs,
    attribute: Object.entries(node.attributes).map(([name, attribute]) => encodeAttribute(name, attribute)),
  };
}

function decodeNode(node: Onnx.INodeProto, source: string): GraphNode {
  const attributes: Record<string, Attribute> = {};
  for (const attribute of node.attribute ?? []) {
    attributes[attribute.name ?? ''] = decodeAttribute(attribute, `${source}: node "${node.name}"`);
  }
  return {
    op: node.opType ?? '',
    domain: node.domain === 'ai.onnx' ? '' : (node.domain ?? ''),
    name: node.name ?? '',
    inputs: node.input ?? [],
    outputs: node.output ?? [],
    attributes,
  };
}

function encodeAttribute(name: string, attribute: Attribute): Onnx.IAttributeProto {
  const utf8 = new TextEncoder();
  switch (attribute.type) {
    case 'int':
      return { name, type: AttributeType.INT, i: attribute.value };
    case 'float':
      return { name, type: AttributeType.FLOAT, f: attribute.value };
    case 'string':
      return { name, type: AttributeType.STRING, s: utf8.encode(attribute.value) };
    case 'ints':
      return { name, type: AttributeType.INTS, ints: attribute.value };
    case 'floats':
      return { name, type: AttributeType.FLOATS, floats: attribute.value };
    case 'strings':
      return { name, type: AttributeType.STRINGS, strings: attribute.value.map((s) => utf8.encode(s)) };
    case 'tensor':
      return { name, type: AttributeType.TENSOR, t: encodeTensor('', attribute.value) };
  }
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
    default:
      throw new UserError(`${where}: attribute "${proto.name}" has the unsupported type ${proto.type}`);
  }
}
