import type { TensorData } from '../onnx/graph.ts';
import { type InferenceSession, openSession, Tensor } from '../runtime/session.ts';
import { Thread } from '../workers/thread.ts';
import { type ModelEnds, OWN_ENDS, type RunnableModel } from './interface.ts';

const QUIET: InferenceSession.RunOptions = { logSeverityLevel: 4 };

/** Opens a model in onnxruntime-node, in this thread, which it blocks while it runs. */
export async function openModel(bytes: Uint8Array): Promise<RunnableModel> {
  const session = await openSession(bytes, { quiet: true, config: { intra_op: { allow_spinning: '0' } } });
  return {
    run: async (images, dims, { input, inputType, output } = OWN_ENDS) => {
      const feed = new Tensor(inputType as 'float32', images as Float32Array, dims);
      // That a batch fails may be the answer; onnxruntime need not tell the terminal too.
      const { [output]: scores } = await session.run({ [input]: feed }, [output], QUIET);
      return { data: scores!.data as TensorData, dims: scores!.dims };
    },
    close: () => session.release(),
  };
}

/** What the thread of {@link openInThread} does. */
export type TryCalls = {
  open: { params: SharedArrayBuffer; result: undefined };
  run: {
    params: { images: TensorData; dims: readonly number[]; ends: ModelEnds | undefined };
    result: { data: TensorData; dims: readonly number[] };
  };
};

/** Opens a model in a thread of its own, for servers that answer others meanwhile. */
export async function openInThread(bytes: Uint8Array): Promise<RunnableModel> {
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  const thread = new Thread<TryCalls>(new URL('./try-worker.ts', import.meta.url), {
    what: 'the thread that tries it',
    name: 'trial of a model',
  });
  const close = (): Promise<void> => thread.end();
  try {
    await thread.call('open', shared);
  } catch (error) {
    await close();
    throw error;
  }
  return { run: (images, dims, ends) => thread.call('run', { images, dims, ends }), close };
}
