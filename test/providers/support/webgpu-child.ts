import { buildModel } from '../../../core/models/zoo.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { openSession } from '../../../core/runtime/session.ts';
import { OrtEngine, prepareStep } from '../../../train/engine/ort-engine.ts';
import { WebGpuEngine } from '../../../train/engine/providers/webgpu-engine.ts';
import { DEFAULT_LOSS_SCALING } from '../../../train/optim/loss-scaling.ts';
import { copyState } from '../../../train/state.ts';
import { BATCH_SIZE, relativeDistance, SGD, tinyBatches, tinyNet } from './tiny-net.ts';

/** How far training on WebGPU is from training on the CPU; relative distances. */
export interface WebGpuReport {
  losses: [webgpu: number, cpu: number][];
  /** By vector of the state, after two steps. */
  state: Record<string, number>;
  steps: number;
  /** Of the parameters, after loading that state back and a third step. */
  reloaded: number;
  /** Whether all that follows an overflow is as on the CPU: state unchanged, the scale halved. */
  overflow: { unchanged: boolean; scale: number };
  /** What onnxruntime says where a zoo model's step cannot run on the GPU alone; models by name. */
  fallbacks: Record<string, string>;
}

const options = { batchSize: BATCH_SIZE, optimizer: { ...SGD, lossScaling: DEFAULT_LOSS_SCALING } };

async function compare(): Promise<Omit<WebGpuReport, 'fallbacks'>> {
  const gpu = await WebGpuEngine.create(tinyNet(), options);
  const cpu = await OrtEngine.create(tinyNet(), options);
  const losses: WebGpuReport['losses'] = [];
  const [first, second, third] = tinyBatches(3, 0.1);
  for (const { images, targets, learningRate } of [first!, second!]) {
    const results = [gpu, cpu].map((engine) => engine.step(images, targets, learningRate));
    const [a, b] = await Promise.all(results);
    losses.push([a!.loss, b!.loss]);
  }
  const held = await gpu.state;
  const state = {
    parameters: relativeDistance(held.parameters, cpu.state.parameters),
    buffers: relativeDistance(held.buffers, cpu.state.buffers),
    momentum: relativeDistance(held.slots.momentum!, cpu.state.slots.momentum!),
  };
  gpu.load(held);
  for (const engine of [gpu, cpu]) await engine.step(third!.images, third!.targets, 0.1);
  const reloaded = relativeDistance((await gpu.state).parameters, cpu.state.parameters);

  const before = copyState(await gpu.state);
  before.slots.loss_scale = Float32Array.of(2 ** 20, 4);
  gpu.load(before);
  await gpu.step(
    first!.images.map(() => Number.NaN),
    first!.targets,
    0.1,
  );
  const after = await gpu.state;
  const unchanged = after.parameters.every((value, i) => value === before.parameters[i]);
  await gpu.close();
  await cpu.close();
  return {
    losses,
    state,
    steps: held.steps,
    reloaded,
    overflow: { unchanged, scale: after.slots.loss_scale![0]! },
  };
}

async function findFallbacks(): Promise<Record<string, string>> {
  const fallbacks: Record<string, string> = {};
  for (const name of ['resnet18', 'resnet50', 'se_resnet20']) {
    const model = buildModel(name, { numClasses: 100, imageSize: 32 });
    const { graph } = await prepareStep(model, { ...options, provider: 'webgpu' });
    try {
      const session = await openSession(encodeModel(graph), {
        executionProviders: ['webgpu'],
        logSeverityLevel: 4,
        extra: { session: { disable_cpu_ep_fallback: '1' } },
      });
      await session.release();
    } catch (error) {
      fallbacks[name] = String(error);
    }
  }
  return fallbacks;
}

const report: WebGpuReport = { ...(await compare()), fallbacks: await findFallbacks() };
// Last on its line of its own: drivers may print, too.
process.stdout.write(`\n${JSON.stringify(report)}\n`);
