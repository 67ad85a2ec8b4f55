/** Element types; names as in onnxruntime. Our own graphs use those of the first line. */
export type DataType =
  | ('float32' | 'float16' | 'float64' | 'int64' | 'int32' | 'int8' | 'uint8' | 'bool')
  | ('bfloat16' | 'int16' | 'uint16' | 'uint32' | 'uint64' | 'string' | 'complex64' | 'complex128')
  | ('float8e4m3fn' | 'float8e4m3fnuz' | 'float8e5m2' | 'float8e5m2fnuz' | 'float8e8m0')
  | ('uint4' | 'int4' | 'float4e2m1' | 'uint2' | 'int2' | 'float6e2m3' | 'float6e3m2');

export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array;

/**
 * A constant tensor, row-major. `float16` and `bfloat16` data is its bits in a Uint16Array, `bool` a Uint8Array, and
 * so are the types of eight bits and less, those of less packed as in the file: {@link sizeOf} the dimensions is
 * how many values there are. Complex numbers are pairs.
 */
export interface TensorValue {
  dtype: DataType;
  dims: number[];
  data: TensorData;
  /** The texts of a tensor of `string`, as UTF-8; its data is empty. */
  texts?: Uint8Array[];
}

/** A dimension: a size, or a name for a size known only at run time (`batch`). */
export type Dim = number | string;

export interface ValueInfo {
  name: string;
  dtype: DataType;
  dims: Dim[];
}

export type Attribute =
  | { type: 'int'; value: number }
  | { type: 'float'; value: number }
  | { type: 'string'; value: string }
  | { type: 'ints'; value: number[] }
  | { type: 'floats'; value: number[] }
  | { type: 'strings'; value: string[] }
  | { type: 'tensor'; value: TensorValue }
  /** A body of control flow; it may also read the values of the graph around it. */
  | { type: 'graph'; value: Graph };

export interface GraphNode {
  /** Operator, e.g. `Conv`. */
  op: string;
  /** Operator set the op is from; '' is ai.onnx, `com.microsoft` holds onnxruntime's own ops. */
  domain: string;
  name: string;
  /** Value names; '' stands for an optional input that is left out. */
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

/** An ONNX graph in memory: what the builder emits and every stage reads. Nodes are in topological order. */
export interface Graph {
  name: string;
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  /** Outputs of a file that are no tensors, such as dictionaries: for people, and not written again. */
  otherOutputs?: { name: string; type: string }[];
  nodes: GraphNode[];
  initializers: Map<string, TensorValue>;
  /** The ai.onnx operator set that the nodes are of, of a graph from elsewhere; absent: that of our own graphs. */
  opset?: number;
}

export const int = (value: number): Attribute => ({ type: 'int', value });
export const float = (value: number): Attribute => ({ type: 'float', value });
export const ints = (value: readonly number[]): Attribute => ({ type: 'ints', value: [...value] });
export const floats = (value: readonly number[]): Attribute => ({ type: 'floats', value: [...value] });
export const str = (value: string): Attribute => ({ type: 'string', value });

/** Number of elements of a shape; a scalar has one. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** A float32 constant. */
export function floatTensor(dims: readonly number[], data: ArrayLike<number>): TensorValue {
  return { dtype: 'float32', dims: [...dims], data: Float32Array.from(data) };
}

/** An int64 constant; a vector unless `dims` says otherwise. */
export function int64Tensor(
  values: readonly number[],
  dims: readonly number[] = [values.length],
): TensorValue {
  // The largest of 64 bits is read as a number one larger.
  const data = BigInt64Array.from(values, (value) => (value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value)));
  return { dtype: 'int64', dims: [...dims], data };
}

/** Reads an int attribute, or its default where the node leaves it out. */
export function intAttribute(node: GraphNode, name: string, fallback: number): number {
  const attribute = node.attributes[name];
  return attribute?.type === 'int' ? attribute.value : fallback;
}

/** Reads a float attribute, or its default where the node leaves it out. */
export function floatAttribute(node: GraphNode, name: string, fallback: number): number {
  const attribute = node.attributes[name];
  return attribute?.type === 'float' ? attribute.value : fallback;
}

/** Reads an ints attribute, or its default where the node leaves it out. */
export function intsAttribute(node: GraphNode, name: string, fallback: readonly number[]): number[] {
  const attribute = node.attributes[name];
  return attribute?.type === 'ints' ? attribute.value : [...fallback];
}

/** A shallow copy whose lists can be changed without touching the original; tensor data is shared. */
export function cloneGraph(graph: Graph): Graph {
  return {
    name: graph.name,
    inputs: [...graph.inputs],
    outputs: [...graph.outputs],
    nodes: graph.nodes.map((node) => ({ ...node, inputs: [...node.inputs], outputs: [...node.outputs] })),
    initializers: new Map(graph.initializers),
    ...(graph.opset === undefined ? {} : { opset: graph.opset }),
  };
}

/** How many times each value is read, graph outputs included. */
export function countUses(graph: Graph): Map<string, number> {
  const uses = new Map<string, number>();
  const add = (name: string) => uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const node of graph.nodes) for (const input of node.inputs) if (input !== '') add(input);
  for (const output of graph.outputs) add(output.name);
  return uses;
}
