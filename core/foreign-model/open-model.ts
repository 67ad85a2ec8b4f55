import type { TensorData } from '../onnx/graph.ts';
import { type InferenceSession, openSession, Tensor } from '../runtime/session.ts';
import { endWorker } from '../workers/end-worker.ts';
import { startWorker } from '../workers/start-worker.ts';
import { type ModelEnds, type OpenModel, OWN_ENDS } from './adapt-foreign.ts';

const QUIET: InferenceSession.RunOptions = { logSeverityLevel: 4 };

/** Opens a model in onnxruntime-node, in this thread, which it blocks while it runs. */
export async function openModel(bytes: Uint8Array): Promise<OpenModel> {
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

/** To the thread of {@link openInThread}: run this. */
export interface TryMessage {
  images: TensorData;
  dims: readonly number[];
  ends: ModelEnds | undefined;
}

/** From it, one for the opening and one for each run. */
export type TryAnswer = { data?: TensorData; dims?: readonly number[] } | { reason: string };

/** Opens a model in a thread of its own, for servers that answer others meanwhile. */
export async function openInThread(bytes: Uint8Array): Promise<OpenModel> {
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  const worker = startWorker(new URL('./try-worker.ts', import.meta.url), shared, 'trial of a model');
  const answer = (): Promise<{ data?: TensorData; dims?: readonly number[] }> =>
    new Promise((resolve, reject) => {
      const done = (): void => {
        worker.off('message', answered).off('error', failed).off('exit', ended);
      };
      const answered = (message: TryAnswer): void => {
        done();
        if ('reason' in message) reject(new Error(message.reason));
        else resolve(message);
      };
      const failed = (error: Error): void => {
        done();
        reject(error);
      };
      const ended = (code: number): void =>
        failed(new Error(`the thread that tries it ended with code ${code}`));
      worker.on('message', answered).on('error', failed).on('exit', ended);
    });
  const close = (): Promise<void> => endWorker(worker, Promise.resolve());
  try {
    await answer();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    run: async (images, dims, ends) => {
      const given = answer();
      worker.postMessage({ images, dims, ends } satisfies TryMessage);
      const { data, dims: shape } = await given;
      return { data: data!, dims: shape! };
    },
    close,
  };
}
