import { describeLocation, locateDataset } from '../../core/data/load.ts';
import { errorMessage } from '../../core/errors.ts';
import { embeddedModels } from '../../core/models/embedded.ts';
import { findChromium } from '../find-chromium.ts';
import { type Gpu, readGpus } from '../gpu.ts';
import type { TensorFlowFacts } from '../tensorflow/probe.ts';
import { type Advice, giveAdvice } from './advice.ts';
import { type CpuFacts, readCpu } from './cpu.ts';
import { type OnnxruntimeFacts, readOnnxruntime } from './onnxruntime.ts';
import { planTraining, type TrainingPlan } from './plan.ts';
import { readTensorFlow } from './tensorflow.ts';

/** What a machine offers for training and serving. */
export interface Findings {
  node: string;
  platform: string;
  cpu: CpuFacts;
  gpus: Gpu[];
  onnxruntime: OnnxruntimeFacts | { error: string };
  /** Absent: not set up. */
  tensorflow?: TensorFlowFacts | { error: string };
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
