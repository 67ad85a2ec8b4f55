import { exactInt8 } from '../../core/inference/exact-int8.ts';
import { InferenceSession, Tensor } from '../../core/inference/onnxruntime.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import { runChild } from './child-main.ts';
import { exportedModel, type MeasuredPrecision } from './exported-model.ts';
import { randomBatch } from './random-batch.ts';
import { zooModel } from './zoo-model.ts';

/** A forward pass of the exported model in onnxruntime. */
await runChild(async ({ model: name, batchSize, threads, precision }) => {
  const model = zooModel(name);
  const graph = await exportedModel(model, precision as MeasuredPrecision, batchSize, threads);
  const session = await InferenceSession.create(encodeModel(graph), {
    logSeverityLevel: 3,
    intraOpNumThreads: threads,
    extra: { session: await exactInt8() },
  });
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
