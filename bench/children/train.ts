import { parameterCount } from '../../core/onnx/roles.ts';
import { chooseReplicas } from '../../train/engine/choose-replicas.ts';
import { createEngine } from '../../train/engine/create-engine.ts';
import { settle } from '../../train/recipe/make-config.ts';
import { runChild } from './child-main.ts';
import { measuredNet } from './measured-net.ts';
import { randomBatch } from './random-batch.ts';

/** One optimiser step of our trainer, by the engine that the setup names; replicas as it would choose, but no more than it has threads. */
await runChild(async ({ model: name, batchSize, threads, engine: engineName, precision }) => {
  const model = await measuredNet(name);
  const engine = await createEngine(
    model,
    {
      ...settle({
        engine: engineName === 'tfjs' ? 'tfjs' : 'ort',
        batchSize,
        ...(precision === 'bf16' ? { precision } : {}),
      }),
      trainImages: batchSize,
      replicas:
        engineName === 'tfjs'
          ? 1
          : Math.min(chooseReplicas(model, batchSize), threads || Number.POSITIVE_INFINITY),
    },
    threads || undefined,
  );
  const { images, targets } = randomBatch(model, batchSize);
  return {
    parameters: parameterCount(model),
    run: async () => {
      await engine.step(images, targets, 0.01);
    },
    close: () => engine.close(),
  };
});
