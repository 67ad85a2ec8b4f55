import { type Graph, sizeOf } from '../../../core/onnx/graph.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { type InferenceSession, openSession, Tensor } from '../../../core/runtime/session.ts';

export type Feeds = Record<string, Float32Array>;

/** A graph whose sizes are all known, opened in onnxruntime: float32 arrays in, float32 arrays out. */
export class StepRunner {
  private constructor(
    private readonly session: InferenceSession,
    private readonly inputs: ReadonlyMap<string, number[]>,
  ) {}

  static async open(graph: Graph): Promise<StepRunner> {
    const session = await openSession(encodeModel(graph, {}, { opset: 17 }));
    return new StepRunner(session, new Map(graph.inputs.map(({ name, dims }) => [name, dims.map(Number)])));
  }

  /** Inputs the graph does not have are ignored. */
  async run(feeds: Feeds): Promise<Feeds> {
    const tensors = [...this.inputs].map(([name, dims]) => {
      const data = feeds[name];
      if (data?.length !== sizeOf(dims)) {
        throw new Error(`input ${name} holds ${sizeOf(dims)} values, ${data?.length} are given`);
      }
      return [name, new Tensor('float32', data, dims)] as const;
    });
    const results = await this.session.run(Object.fromEntries(tensors));
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [name, tensor.data as Float32Array]),
    );
  }

  close(): Promise<void> {
    return this.session.release();
  }
}

/** Runs a graph once. */
export async function runOnce(graph: Graph, feeds: Feeds): Promise<Feeds> {
  const runner = await StepRunner.open(graph);
  try {
    return await runner.run(feeds);
  } finally {
    await runner.close();
  }
}
