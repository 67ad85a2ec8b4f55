import { PROVIDERS } from '../../train/engine/providers/providers.ts';
import type { Findings } from './examine.ts';

/** Something to install, and what it is good for. */
export interface Advice {
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
