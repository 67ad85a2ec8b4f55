/** The thread that tries a model of another program: onnxruntime's `run` blocks the thread that calls it. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../errors.ts';
import { openModel, type TryAnswer, type TryMessage } from './open-model.ts';

const port = parentPort!;
const send = (answer: TryAnswer): void => port.postMessage(answer);

try {
  // onnxruntime takes no shared memory.
  const model = await openModel(new Uint8Array(new Uint8Array(workerData as SharedArrayBuffer)));
  port.on('message', async ({ images, dims, ends }: TryMessage) => {
    try {
      const result = await model.run(images, dims, ends);
      // A copy: the output's memory belongs to onnxruntime.
      send({ data: result.data.slice(), dims: [...result.dims] });
    } catch (error) {
      send({ reason: errorMessage(error) });
    }
  });
  send({});
} catch (error) {
  send({ reason: errorMessage(error) });
}
