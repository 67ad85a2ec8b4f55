import type { Attribute, Graph, GraphNode, ValueInfo } from './graph.ts';
import { type Onnx, onnx } from './newer-fields.ts';
import { type EncodeOptions, irVersionOf, OPSET_VERSION } from './opset.ts';
import { writerChunks } from './proto-chunks.ts';
import { dataTypeCode, encodeExternalTensor, encodeTensor } from './tensor-proto.ts';

const AttributeType = onnx.AttributeProto.AttributeType;

/**
 * Serialises a graph as an ONNX model: its own opset, or 15, and the IR that came with it, unless asked otherwise, and opset 1 of any other
 * domain in use. The same graph, metadata and options give the same bytes.
 */
export function encodeModel(
  graph: Graph,
  metadata: Readonly<Record<string, string>> = {},
  options: EncodeOptions = {},
): Uint8Array {
  return encode(graph, metadata, options).finish();
}

/**
 * The bytes of {@link encodeModel} piece by piece; large tensors are handed out as they are in memory, not
 * copied.
 */
export function encodeModelChunks(
  graph: Graph,
  metadata: Readonly<Record<string, string>> = {},
  options: EncodeOptions = {},
): { length: number; chunks: Iterable<Uint8Array> } {
  return writerChunks(encode(graph, metadata, options));
}

/**
 * More metadata, to put after a model's last byte: a reader of protocol buffers merges messages that follow
 * one another, and `metadata_props` is the last field of a model, so the file is as if written at once.
 */
export function encodeMoreMetadata(metadata: Readonly<Record<string, string>>): Uint8Array {
  return onnx.ModelProto.encode({ metadataProps: metadataProps(metadata) }).finish();
}

/**
 * Further outputs, to put after a model's last byte as {@link encodeMoreMetadata} says; onnxruntime works out their
 * types. For graphs whose values are of types and shapes that are not known.
 */
export function encodeMoreOutputs(names: readonly string[]): Uint8Array {
  return onnx.ModelProto.encode({ graph: { output: names.map((name) => ({ name })) } }).finish();
}

function encode(
  graph: Graph,
  metadata: Readonly<Record<string, string>>,
  { opset = graph.opset ?? OPSET_VERSION, domains: versions = {}, external }: EncodeOptions,
): ReturnType<typeof onnx.ModelProto.encode> {
  const domains = [...domainsOf(graph)].filter((domain) => domain !== '').sort();
  const model: Onnx.IModelProto = {
    irVersion: irVersionOf(opset),
    producerName: 'onnx-classifier',
    producerVersion: '0.1.0',
    opsetImport: [
      { domain: '', version: opset },
      ...domains.map((domain) => ({ domain, version: versions[domain] ?? 1 })),
    ],
    graph: {
      name: graph.name,
      input: graph.inputs.map(encodeValueInfo),
      output: graph.outputs.map(encodeValueInfo),
      node: graph.nodes.map(encodeNode),
      initializer: [...graph.initializers].map(([name, tensor]) => {
        const place = external?.places.get(name);
        if (!external || !place) return encodeTensor(name, tensor);
        return encodeExternalTensor(name, tensor, external.location, place);
      }),
    },
    metadataProps: metadataProps(metadata),
  };
  // A plain object is what encode takes; create() would copy the weights.
  return onnx.ModelProto.encode(model);
}

function metadataProps(metadata: Readonly<Record<string, string>>): Onnx.IStringStringEntryProto[] {
  return Object.entries(metadata).map(([key, value]) => ({ key, value }));
}

function encodeGraph(graph: Graph): Onnx.IGraphProto {
  return {
    name: graph.name,
    input: graph.inputs.map(encodeValueInfo),
    output: graph.outputs.map(encodeValueInfo),
    node: graph.nodes.map(encodeNode),
    initializer: [...graph.initializers].map(([name, tensor]) => encodeTensor(name, tensor)),
  };
}

/** The operator sets in use, those of bodies included. */
function domainsOf(graph: Graph): Set<string> {
  const domains = new Set<string>();
  for (const node of graph.nodes) {
    domains.add(node.domain);
    for (const attribute of Object.values(node.attributes)) {
      if (attribute.type === 'graph') for (const domain of domainsOf(attribute.value)) domains.add(domain);
    }
  }
  return domains;
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

type Int64 = NonNullable<Onnx.IAttributeProto['i']>;

/** The largest number of 64 bits, which exporters write for "to the last", as the number it was read as is one more. */
const LARGEST_INT64 = { low: -1, high: 0x7fffffff, unsigned: false } as Int64;

function int64(value: number): Int64 {
  return value >= 2 ** 63 ? LARGEST_INT64 : value;
}

function encodeAttribute(name: string, attribute: Attribute): Onnx.IAttributeProto {
  const utf8 = new TextEncoder();
  switch (attribute.type) {
    case 'int':
      return { name, type: AttributeType.INT, i: int64(attribute.value) };
    case 'float':
      return { name, type: AttributeType.FLOAT, f: attribute.value };
    case 'string':
      return { name, type: AttributeType.STRING, s: utf8.encode(attribute.value) };
    case 'ints':
      return { name, type: AttributeType.INTS, ints: attribute.value.map(int64) };
    case 'floats':
      return { name, type: AttributeType.FLOATS, floats: attribute.value };
    case 'strings':
      return { name, type: AttributeType.STRINGS, strings: attribute.value.map((s) => utf8.encode(s)) };
    case 'tensor':
      return { name, type: AttributeType.TENSOR, t: encodeTensor('', attribute.value) };
    case 'graph':
      return { name, type: AttributeType.GRAPH, g: encodeGraph(attribute.value) };
  }
}
