import { existsSync } from 'node:fs';
import { type CpuFacts, readCpu } from '../../core/cpu.ts';
import { describeLocation, locateDataset } from '../../core/data/load.ts';
import { errorMessage } from '../../core/errors.ts';
import { embeddedModels } from '../../core/models/embedded.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { parameterCount } from '../../core/onnx/roles.ts';
import { isSetUp, OPENVINO_VERSION } from '../../core/openvino/library.ts';
import { bindingPath } from '../../core/tensorflow/binding.ts';
import { CORES_FOR_RESNET18, chooseModel } from '../../train/choose-model.ts';
import { chooseReplicas } from '../../train/engine/choose-replicas.ts';
import { PROVIDERS, type Provider } from '../../train/engine/providers/providers.ts';
import { DEFAULTS, type EngineName } from '../../train/recipe/settings.ts';
import { findChromium } from '../find-chromium.ts';
import { type Gpu, readGpus } from '../programs.ts';
import { probeTensorFlow, type TensorFlowFacts } from '../tensorflow/probe.ts';

/** What a machine offers for training and serving. */
export interface Findings {
  node: string;
  platform: string;
  cpu: CpuFacts;
  gpus: Gpu[];
  onnxruntime: OnnxruntimeFacts | { error: string };
  /** Absent: not set up. */
  tensorflow?: TensorFlowFacts | { error: string };
  /** The version of OpenVINO, for `--runtime`; absent: not set up. */
  openvino?: string;
  /** Absent: none found. */
  browser?: string;
  /** `ready` is false where only the synthetic dataset is there, or the named folder is not usable. */
  data: { ready: boolean; text: string };
  models: string[];
  training: TrainingPlan;
}

export type Report = Findings & { advice: Advice[] };

/** Looks at everything; what is missing or broken is a finding, never an error. */
export async function examine(): Promise<Report> {
  const cpu = readCpu();
  const browser = findChromium();
  const [gpus, onnxruntime, tensorflow, data, models] = await Promise.all([
    readGpus(),
    readOnnxruntime(),
    readTensorFlow(),
    readData(),
    embeddedModels(),
  ]);
  const findings: Findings = {
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpu,
    gpus,
    onnxruntime,
    ...(tensorflow ? { tensorflow } : {}),
    ...(isSetUp() ? { openvino: OPENVINO_VERSION } : {}),
    ...(browser === undefined ? {} : { browser }),
    data,
    models,
    training: planTraining(cpu.cores, tensorflow !== undefined && !('error' in tensorflow)),
  };
  return { ...findings, advice: giveAdvice(findings) };
}

async function readData(): Promise<Findings['data']> {
  try {
    const location = await locateDataset();
    return { ready: location.dataset !== 'synthetic', text: describeLocation(location) };
  } catch (error) {
    return { ready: false, text: errorMessage(error) };
  }
}

interface OnnxruntimeFacts {
  version: string;
  /** What this build of onnxruntime-node offers `npm run train -- --provider`; with `trouble`, why it does not work. */
  providers: { name: Provider; trouble?: string }[];
  /** Channels in a block of its NCHWc kernels; 0: it has none here. */
  blockSize: number;
}

/** What onnxruntime offers here, or why it does not load. */
async function readOnnxruntime(): Promise<OnnxruntimeFacts | { error: string }> {
  try {
    // Not at the top: where the native library does not load, the rest is still told.
    const ort = await import('onnxruntime-node');
    const { detectBlockSize } = await import('../../train/lowering/ort/block-size.ts');
    const { probeProvider, providersOfBuild } = await import('../../train/engine/providers/probe.ts');
    const providers = await Promise.all(
      providersOfBuild().map(async (name) => {
        const trouble = await probeProvider(name);
        return { name, ...(trouble === undefined ? {} : { trouble }) };
      }),
    );
    return {
      version: ort.env.versions.node ?? ort.env.versions.common,
      providers,
      blockSize: await detectBlockSize(),
    };
  } catch (error) {
    return { error: errorMessage(error).split('\n')[0]! };
  }
}

/** TensorFlow as it runs here; undefined if it is not set up, or why it does not run. */
async function readTensorFlow(): Promise<TensorFlowFacts | { error: string } | undefined> {
  try {
    if (!existsSync(bindingPath())) return undefined;
    return await probeTensorFlow();
  } catch (error) {
    return { error: errorMessage(error) };
  }
}

/** What `npm run train` does without options. */
interface TrainingPlan {
  engine: EngineName;
  /** What --engine can be here. */
  engines: EngineName[];
  model: string;
  batchSize: number;
  replicas: number;
  /** In words. */
  why: string;
}

/**
 * What `npm run train` chooses on CIFAR-100, by the functions that it chooses with.
 * @param tensorflow whether TensorFlow runs here
 */
export function planTraining(cores: number, tensorflow: boolean): TrainingPlan {
  const { batchSize, engine } = DEFAULTS;
  const graph = buildModel(chooseModel(cores), { numClasses: 100, imageSize: 32 });
  const replicas = chooseReplicas(graph, batchSize);
  const size = `${(parameterCount(graph) / 1e6).toFixed(1)} million parameters`;
  const spread =
    replicas > 1 ? `${replicas} replicas, one a core, for so small a net` : 'all cores inside each operator';
  const limit = cores < CORES_FOR_RESNET18 ? `; resnet18 from ${CORES_FOR_RESNET18} cores` : '';
  const why = `${cores} CPU ${cores === 1 ? 'core' : 'cores'}${limit}; ${size}: ${spread}`;
  const engines: EngineName[] = tensorflow ? ['ort', 'tfjs'] : ['ort'];
  return { engine, engines, model: graph.name, batchSize, replicas, why };
}

/** Something to install, and what it is good for. */
interface Advice {
  gain: string;
  how: string;
}

/** What would make more of the machine; nothing where it has all. */
export function giveAdvice(findings: Omit<Findings, 'training'>): Advice[] {
  const { cpu, data, browser, onnxruntime, tensorflow, gpus, platform } = findings;
  const advice: Advice[] = [];
  if ('error' in onnxruntime) advice.push({ gain: 'training, serving and evaluation', how: 'npm ci' });
  const cuda = 'error' in onnxruntime ? undefined : onnxruntime.providers.find(({ name }) => name === 'cuda');
  if (cuda?.trouble !== undefined && gpus[0]) {
    advice.push({
      gain: `onnxruntime on the ${gpus[0].name} (train -- --provider cuda)`,
      how: PROVIDERS.cuda.needs,
    });
  }
  if (!data.ready) {
    advice.push({
      gain: 'training on real pictures',
      how: 'npm run data, or set CIFAR100_DIR to where they are',
    });
  }
  if (platform === 'linux x64') {
    const gpu = gpus[0]?.name;
    if (!tensorflow) {
      const how = `npm run setup:tensorflow${gpu ? ' -- --gpu' : ''}`;
      advice.push({ gain: gpu ? `TensorFlow on the ${gpu}` : 'TensorFlow', how });
    } else if ('error' in tensorflow) {
      advice.push({ gain: 'a TensorFlow that runs', how: 'npm run setup:tensorflow -- --force' });
    } else if (gpu && tensorflow.devices.includes('CPU')) {
      advice.push({
        gain: `TensorFlow on the ${gpu}`,
        how:
          'npm run setup:tensorflow -- --gpu, with the libraries of CUDA 12 and cuDNN 8.9 on LD_LIBRARY_PATH' +
          (tensorflow.gpuTrouble ? ` (TensorFlow says: ${tensorflow.gpuTrouble})` : ''),
      });
    }
  }
  if (cpu.instructionSets?.vnni === false) {
    advice.push({
      gain: 'int8 models faster than float32 on this processor, which has no VNNI',
      how: 'npm run export -- --precision int8 --reduce-range',
    });
  }
  if (browser === undefined) {
    advice.push({ gain: 'tests of the page', how: 'install Chromium or Chrome, or set CHROMIUM_PATH' });
  }
  return advice;
}
