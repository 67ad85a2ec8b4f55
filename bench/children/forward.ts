import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { foldBatchNorm } from '../../core/onnx/passes/fold-batch-norm.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import { runChild } from './child-main.ts';
import { randomBatch } from './random-batch.ts';
import { zooModel } from './zoo-model.ts';

/** A forward pass of the exported model in onnxruntime. */
await runChild(async ({ model: name, batchSize, threads }) => {
  const model = zooModel(name);
  const session = await InferenceSession.create(encodeModel(foldBatchNorm(model)), {
    logSeverityLevel: 3,
    intraOpNumThreads: threads,
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
