import { onnx, require_onnx } from './chunk-BCM5Y5H2.js';
import { de, openSession } from './chunk-Q26SKOFM.js';
import './chunk-CQTP4RLG.js';
import { __toESM } from './chunk-MOR2SDXV.js';

// core/onnx/graph.ts
function floatTensor(dims, data) {
  return { dtype: 'float32', dims: [...dims], data: Float32Array.from(data) };
}
function int64Tensor(values, dims = [values.length]) {
  const data = BigInt64Array.from(values, (value) =>
    value >= 9223372036854776e3 ? 2n ** 63n - 1n : BigInt(value),
  );
  return { dtype: 'int64', dims: [...dims], data };
}

// core/onnx/builder.ts
var GraphBuilder = class {
  graph;
  #used = /* @__PURE__ */ new Set();
  #counters = /* @__PURE__ */ new Map();
  #constants = /* @__PURE__ */ new Map();
  constructor(nameOrGraph) {
    this.graph =
      typeof nameOrGraph == 'string'
        ? { name: nameOrGraph, inputs: [], outputs: [], nodes: [], initializers: /* @__PURE__ */ new Map() }
        : nameOrGraph;
    for (const value of [...this.graph.inputs, ...this.graph.outputs]) this.#used.add(value.name);
    for (const name of this.graph.initializers.keys()) this.#used.add(name);
    for (const node of this.graph.nodes) for (const output of node.outputs) this.#used.add(output);
  }
  /** A value name that is not used yet: `hint`, or `hint_1`, `hint_2`, ... */
  unique(hint) {
    let name = hint;
    for (; this.#used.has(name); ) {
      const next = (this.#counters.get(hint) ?? 0) + 1;
      this.#counters.set(hint, next), (name = `${hint}_${next}`);
    }
    return (this.#used.add(name), name);
  }
  input(name, dtype, dims) {
    return (this.#used.add(name), this.graph.inputs.push({ name, dtype, dims: [...dims] }), name);
  }
  /** Declares a graph output; the value must exist under this very name. */
  output(name, dtype, dims) {
    this.graph.outputs.push({ name, dtype, dims: [...dims] });
  }
  /** Adds an initializer (a weight or a constant) under exactly this name. */
  initializer(name, tensor) {
    if (this.graph.initializers.has(name)) throw new Error(`initializer ${name} is defined twice`);
    return (this.#used.add(name), this.graph.initializers.set(name, tensor), name);
  }
  /** An int64 vector (or scalar with `dims` []) constant; equal ones are shared. */
  int64(values, dims) {
    return this.#constant(`i${dims ?? values.length}:${values.join()}`, 'const_i64', () =>
      int64Tensor(values, dims),
    );
  }
  /** A float32 scalar constant, or a tensor of `dims`; equal ones are shared. */
  float32(values, dims = []) {
    const list = typeof values == 'number' ? [values] : values;
    return this.#constant(`f${dims.join()}:${list.join()}`, 'const_f32', () => floatTensor(dims, list));
  }
  #constant(key, hint, make) {
    const known = this.#constants.get(key);
    if (known !== void 0) return known;
    const name = this.initializer(this.unique(hint), make());
    return (this.#constants.set(key, name), name);
  }
  /**
   * Appends a node with one output and returns that output's name.
   * @param name the output's name; derived from the operator where it is left out
   */
  node(op, inputs, attributes = {}, options = {}) {
    return this.nodes(op, inputs, 1, attributes, options)[0];
  }
  /** Appends a node with several outputs. */
  nodes(op, inputs, outputCount, attributes = {}, options = {}) {
    const hint = options.name ?? op.toLowerCase(),
      outputs = Array.from({ length: outputCount }, () => this.unique(hint)),
      node = {
        op,
        domain: options.domain ?? '',
        name: `${op}:${outputs[0]}`,
        inputs: [...inputs],
        outputs,
        attributes,
      };
    return (this.graph.nodes.push(node), outputs);
  }
};

// core/onnx/opset.ts
var IR_VERSIONS = [
  [23, 11],
  [21, 10],
  [19, 9],
  [15, 8],
];
function irVersionOf(opset) {
  return IR_VERSIONS.find(([first]) => opset >= first)?.[1] ?? 7;
}

// core/onnx/tensor-proto.ts
var EXTERNAL = 1,
  bytesOf = (b) => new Uint8Array(b),
  TYPES = {
    float32: { code: 1, bits: 32, view: (b) => new Float32Array(b), field: 'floatData' },
    float16: { code: 10, bits: 16, view: (b) => new Uint16Array(b) },
    float64: { code: 11, bits: 64, view: (b) => new Float64Array(b), field: 'doubleData' },
    int64: { code: 7, bits: 64, view: (b) => new BigInt64Array(b), field: 'int64Data' },
    int32: { code: 6, bits: 32, view: (b) => new Int32Array(b) },
    int8: { code: 3, bits: 8, view: (b) => new Int8Array(b) },
    uint8: { code: 2, bits: 8, view: bytesOf },
    bool: { code: 9, bits: 8, view: bytesOf },
    bfloat16: { code: 16, bits: 16, view: (b) => new Uint16Array(b) },
    int16: { code: 5, bits: 16, view: (b) => new Int16Array(b) },
    uint16: { code: 4, bits: 16, view: (b) => new Uint16Array(b) },
    uint32: { code: 12, bits: 32, view: (b) => new Uint32Array(b), field: 'uint64Data' },
    uint64: { code: 13, bits: 64, view: (b) => new BigUint64Array(b), field: 'uint64Data' },
    string: { code: 8, bits: 0, view: bytesOf },
    complex64: {
      code: 14,
      bits: 64,
      view: (b) => new Float32Array(b),
      field: 'floatData',
      numbers: 2,
    },
    complex128: {
      code: 15,
      bits: 128,
      view: (b) => new Float64Array(b),
      field: 'doubleData',
      numbers: 2,
    },
    float8e4m3fn: { code: 17, bits: 8, view: bytesOf },
    float8e4m3fnuz: { code: 18, bits: 8, view: bytesOf },
    float8e5m2: { code: 19, bits: 8, view: bytesOf },
    float8e5m2fnuz: { code: 20, bits: 8, view: bytesOf },
    uint4: { code: 21, bits: 4, view: bytesOf },
    int4: { code: 22, bits: 4, view: bytesOf },
    float4e2m1: { code: 23, bits: 4, view: bytesOf },
    float8e8m0: { code: 24, bits: 8, view: bytesOf },
    uint2: { code: 25, bits: 2, view: bytesOf },
    int2: { code: 26, bits: 2, view: bytesOf },
    float6e2m3: { code: 27, bits: 6, view: bytesOf },
    float6e3m2: { code: 28, bits: 6, view: bytesOf },
  },
  BY_CODE = new Map(Object.entries(TYPES).map(([name, { code }]) => [code, name]));
function dataTypeCode(dtype) {
  return TYPES[dtype].code;
}
function encodeTensor(name, tensor) {
  const { data, texts } = tensor;
  return texts
    ? { name, dims: tensor.dims, dataType: dataTypeCode(tensor.dtype), stringData: texts }
    : {
        name,
        dims: tensor.dims,
        dataType: dataTypeCode(tensor.dtype),
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      };
}
function encodeExternalTensor(name, tensor, location, place) {
  const entries = { location, offset: String(place.offset), length: String(place.length) };
  return {
    name,
    dims: tensor.dims,
    dataType: dataTypeCode(tensor.dtype),
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    dataLocation: EXTERNAL,
  };
}

// core/onnx/decode-model.ts
var AttributeType = onnx.AttributeProto.AttributeType;

// core/onnx/encode-model.ts
var import_onnx_proto = __toESM(require_onnx(), 1);
var { onnx: onnx2 } = import_onnx_proto.default,
  AttributeType2 = onnx2.AttributeProto.AttributeType;
function encodeModel(graph, metadata = {}, options = {}) {
  return encode(graph, metadata, options).finish();
}
function encode(graph, metadata, { opset = graph.opset ?? 15, domains: versions = {}, external }) {
  const domains = [...domainsOf(graph)].filter((domain) => domain !== '').sort(),
    model = {
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
          return !external || !place
            ? encodeTensor(name, tensor)
            : encodeExternalTensor(name, tensor, external.location, place);
        }),
      },
      metadataProps: metadataProps(metadata),
    };
  return onnx2.ModelProto.encode(model);
}
function metadataProps(metadata) {
  return Object.entries(metadata).map(([key, value]) => ({ key, value }));
}
function encodeGraph(graph) {
  return {
    name: graph.name,
    input: graph.inputs.map(encodeValueInfo),
    output: graph.outputs.map(encodeValueInfo),
    node: graph.nodes.map(encodeNode),
    initializer: [...graph.initializers].map(([name, tensor]) => encodeTensor(name, tensor)),
  };
}
function domainsOf(graph) {
  const domains = /* @__PURE__ */ new Set();
  for (const node of graph.nodes) {
    domains.add(node.domain);
    for (const attribute of Object.values(node.attributes))
      if (attribute.type === 'graph') for (const domain of domainsOf(attribute.value)) domains.add(domain);
  }
  return domains;
}
function encodeValueInfo(value) {
  return {
    name: value.name,
    type: {
      tensorType: {
        elemType: dataTypeCode(value.dtype),
        shape: {
          dim: value.dims.map((dim) => (typeof dim == 'number' ? { dimValue: dim } : { dimParam: dim })),
        },
      },
    },
  };
}
function encodeNode(node) {
  return {
    opType: node.op,
    domain: node.domain,
    name: node.name,
    input: node.inputs,
    output: node.outputs,
    attribute: Object.entries(node.attributes).map(([name, attribute]) => encodeAttribute(name, attribute)),
  };
}
var LARGEST_INT64 = { low: -1, high: 2147483647, unsigned: !1 };
function int64(value) {
  return value >= 2 ** 63 ? LARGEST_INT64 : value;
}
function encodeAttribute(name, attribute) {
  const utf8 = new TextEncoder();
  switch (attribute.type) {
    case 'int':
      return { name, type: AttributeType2.INT, i: int64(attribute.value) };
    case 'float':
      return { name, type: AttributeType2.FLOAT, f: attribute.value };
    case 'string':
      return { name, type: AttributeType2.STRING, s: utf8.encode(attribute.value) };
    case 'ints':
      return { name, type: AttributeType2.INTS, ints: attribute.value.map(int64) };
    case 'floats':
      return { name, type: AttributeType2.FLOATS, floats: attribute.value };
    case 'strings':
      return { name, type: AttributeType2.STRINGS, strings: attribute.value.map((s) => utf8.encode(s)) };
    case 'tensor':
      return { name, type: AttributeType2.TENSOR, t: encodeTensor('', attribute.value) };
    case 'graph':
      return { name, type: AttributeType2.GRAPH, g: encodeGraph(attribute.value) };
  }
}

// core/runtime/exact-int8.ts
var settings;
function exactInt8() {
  return ((settings ??= sumsAreExact().then((exact) => (exact ? {} : { x64quantprecision: '1' }))), settings);
}
async function sumsAreExact(config = {}) {
  const [rows, inner, columns] = [8, 64, 16],
    b = new GraphBuilder('sums'),
    a = b.input('a', 'uint8', [rows, inner]),
    data = new Int8Array(inner * columns).fill(127);
  b.initializer('b', { dtype: 'int8', dims: [inner, columns], data }),
    b.node('MatMulInteger', [a, 'b'], {}, { name: 'sums' }),
    b.output('sums', 'int32', [rows, columns]);
  const session = await openSession(encodeModel(b.graph), { threads: 1, int8: !1, config }),
    feed = new de('uint8', new Uint8Array(rows * inner).fill(255), [rows, inner]),
    { sums } = await session.run({ a: feed });
  return (await session.release(), sums.data.every((sum) => sum === 32385 * inner));
}

export { exactInt8, sumsAreExact };
