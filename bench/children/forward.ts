import { encodeModel } from '../../core/onnx/model-file.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { runChild } from './child-main.ts';
import { exportedModel, type MeasuredPrecision } from './exported-model.ts';
import { measuredNet } from './measured-net.ts';
import { randomBatch } from './random-batch.ts';

/** A forward pass of the exported model in onnxruntime. */
await runChild(async ({ model: name, batchSize, threads, precision }) => {
  const model = await measuredNet(name);
  const graph = await exportedModel(model, precision as MeasuredPrecision, batchSize, threads);
  const session = await openSession(encodeModel(graph), { threads });
  const { images, imageDims } = randomBatch(model, batchSize);
  const input = new Tensor('float32', images, imageDims);
  return {
    parameters: parameterCount(model),
    run: async () => {
      await session.run({ input });
    },
    close: () => session.release(),
  };
});
