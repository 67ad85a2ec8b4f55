/** The thread that tries a model of another program: onnxruntime's `run` blocks the thread that calls it. */
import { serveThread } from '../workers/thread.ts';
import type { RunnableModel } from './interface.ts';
import { openModel, type TryCalls } from './open-model.ts';

let model: RunnableModel;

serveThread<TryCalls>({
  open: async (bytes) => {
    // onnxruntime takes no shared memory.
    model = await openModel(new Uint8Array(new Uint8Array(bytes)));
  },
  run: async ({ images, dims, ends }) => {
    const result = await model.run(images, dims, ends);
    // A copy: the output's memory belongs to onnxruntime.
    return { data: result.data.slice(), dims: [...result.dims] };
  },
});
