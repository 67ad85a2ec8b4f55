import { UserError } from '../../core/errors.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { OPSET_VERSION } from '../../core/onnx/opset.ts';
import { type FrontSettings, frontToKeep } from '../fine-tune/front-cache.ts';
import { parameterRates, type RateSettings } from '../fine-tune/rates.ts';
import { optimizerOf, type UpdateSettings } from '../optim/config.ts';
import type { OrtPrecision, TfjsPrecision } from '../precision.ts';
import type { TrainConfig } from '../recipe/settings.ts';
import { trainableModel } from '../trainable-model.ts';
import type { TrainingEngine } from './engine.ts';
import { OrtEngine } from './ort-engine.ts';
import type { Device } from './providers/device.ts';
import { PROVIDERS, type Provider } from './providers/providers.ts';
import { WebGpuEngine } from './providers/webgpu-engine.ts';
import { ReplicaEngine } from './replicas/replica-engine.ts';

/** The part of a run's config that an engine is made by. */
export type EngineConfig = UpdateSettings &
  Pick<TrainConfig, 'engine' | 'batchSize' | 'replicas' | 'accumulate' | 'precision' | 'seed'> &
  RateSettings &
  FrontSettings;

/**
 * Makes the engine a run's config asks for.
 * @throws UserError if the device cannot run it, or the model cannot be trained
 */
export async function createEngine(
  given: Graph,
  config: EngineConfig,
  threads?: number,
  device: Device = { provider: 'cpu' },
): Promise<TrainingEngine> {
  const { batchSize, replicas, accumulate, precision, from } = config;
  const { provider, stepsPerCall = PROVIDERS[provider].stepsPerCall } = device;
  refuseCombination(config, provider, stepsPerCall);
  // A graph from elsewhere may compute shapes, which are known once the batch is.
  const opened = { graph: given, opset: given.opset ?? OPSET_VERSION };
  const share = batchSize / replicas / accumulate;
  const model = from === undefined ? given : await trainableModel(opened, share);
  const rates = parameterRates(model, config);
  const front = frontToKeep({ model, anyBatch: given, batch: share }, rates, config);
  const optimizer = { ...optimizerOf(config), ...(Object.keys(rates).length === 0 ? {} : { rates }) };
  const { batchNorm, seed } = config;
  const parts = { batchSize, optimizer, replicas, accumulate, threads, batchNorm, seed };
  const make = async (trained: Graph): Promise<TrainingEngine> => {
    if (config.engine === 'tfjs') {
      const { TfjsEngine } = await import('./tfjs-engine.ts');
      return TfjsEngine.create(trained, { ...parts, precision: precision as TfjsPrecision });
    }
    if (replicas > 1 || accumulate > 1) return ReplicaEngine.create(trained, parts);
    const whole = { batchSize, optimizer, precision: precision as OrtPrecision, batchNorm, seed };
    if (PROVIDERS[provider].keepsState) return WebGpuEngine.create(trained, whole);
    return OrtEngine.create(trained, { ...whole, provider, threads, stepsPerCall });
  };
  if (front && 'tail' in front) {
    const { TailEngine } = await import('../fine-tune/tail-engine.ts');
    return new TailEngine(await make(front.tail), model, front, optimizer);
  }
  const engine = await make(model);
  return front ? Object.assign(engine, { frontRemains: front.reason }) : engine;
}

/** Each engine has one of the two half precisions; after this, `precision` is the engine's own. */
function refuseCombination(config: EngineConfig, provider: Provider, stepsPerCall: number): void {
  const { engine, replicas, accumulate, precision } = config;
  if (engine === 'ort' && precision === 'bf16') {
    throw new UserError(
      '--precision bf16 is for --engine tfjs, for onnxruntime has no bfloat16 convolution on a CPU; add --engine tfjs',
    );
  }
  const asked =
    provider !== 'cpu'
      ? `--provider ${provider}`
      : precision === 'fp16'
        ? `--precision ${precision}`
        : stepsPerCall > 1
          ? '--steps-per-call'
          : undefined;
  if (asked === undefined) return;
  if (engine !== 'ort') throw new UserError(`${asked} is for --engine ort, the run's engine is ${engine}`);
  if (replicas > 1 || accumulate > 1) {
    throw new UserError(
      `${asked} works with the whole batch at once; the run has ${replicas} replicas x ${accumulate} parts`,
    );
  }
}
