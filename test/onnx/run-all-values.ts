import { type DataType, type Graph, sizeOf } from '../../core/onnx/graph.ts';
import { type EncodeOptions, encodeModel } from '../../core/onnx/model-file.ts';
import type { TensorShape } from '../../core/onnx/shape-inference.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';

/** What onnxruntime gave for a value: its element type and the size of each dimension. */
export interface ActualShape {
  dtype: DataType;
  dims: number[];
}

/**
 * Runs a graph in onnxruntime on zeros, with every value a node computes declared as an output, and returns
 * the shapes that came out.
 * @param sizes the size each named dimension of the inputs has in this run
 * @param inferred what the outputs are declared as; onnxruntime itself refuses a wrong rank or size
 * @param options the operator set, by default that of our own models
 */
export async function runAllValues(
  graph: Graph,
  sizes: Readonly<Record<string, number>>,
  inferred: ReadonlyMap<string, TensorShape>,
  options: EncodeOptions = {},
): Promise<Map<string, ActualShape>> {
  const names = graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== '');
  const outputs = names.map((name) => ({ name, ...inferred.get(name)! }));
  const session = await openSession(encodeModel({ ...graph, outputs }, {}, options), {
    graphOptimizationLevel: 'disabled',
    threads: 1,
    // Errors only: a wrong shape is for the test to report.
    logSeverityLevel: 3,
  });
  try {
    const feeds = graph.inputs.map(({ name, dtype, dims }) => {
      const actual = dims.map((dim) => (typeof dim === 'number' ? dim : sizes[dim]!));
      return [name, zeros(dtype, actual)] as const;
    });
    const results = await session.run(Object.fromEntries(feeds));
    return new Map(
      names.map((name) => {
        const { type, dims } = results[name]!;
        return [name, { dtype: type as DataType, dims: [...dims] }];
      }),
    );
  } finally {
    await session.release();
  }
}

function zeros(dtype: DataType, dims: number[]): Tensor {
  const count = sizeOf(dims);
  if (dtype === 'float32') return new Tensor('float32', new Float32Array(count), dims);
  if (dtype === 'float16') return new Tensor('float16', new Uint16Array(count), dims);
  if (dtype === 'int64') return new Tensor('int64', new BigInt64Array(count), dims);
  if (dtype === 'int32') return new Tensor('int32', new Int32Array(count), dims);
  if (dtype === 'uint8') return new Tensor('uint8', new Uint8Array(count), dims);
  if (dtype === 'bool') return new Tensor('bool', new Uint8Array(count), dims);
  if (dtype === 'int8') return new Tensor('int8', new Int8Array(count), dims);
  throw new Error(`no test has an input of ${dtype}`);
}
