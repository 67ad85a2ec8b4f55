import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import type { Attribute, Graph, GraphNode, ValueInfo } from './graph.ts';
import { dataTypeCode, encodeTensor } from './tensor-proto.ts';

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
