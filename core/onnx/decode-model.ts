import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { UserError } from '../errors.ts';
import type { Attribute, Dim, Graph, GraphNode, ValueInfo } from './graph.ts';
import { dataTypeOf, decodeTensor } from './tensor-proto.ts';

const { onnx } = onnxProto;
const AttributeType = onnx.AttributeProto.AttributeType;

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
