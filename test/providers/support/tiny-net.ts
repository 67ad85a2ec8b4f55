import { initializeParameters } from '../../../core/models/initialize.ts';
import { buildResNet } from '../../../core/models/resnet.ts';
import type { Graph } from '../../../core/onnx/graph.ts';
import { Random } from '../../../core/random.ts';
import type { StepInput } from '../../../train/engine/engine.ts';
import type { OptimizerConfig } from '../../../train/optim/config.ts';

export const BATCH_SIZE = 8;
export const CLASSES = 10;
const IMAGE_SIZE = 8;

export const SGD: OptimizerConfig = { name: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 5e-4 };

/** A residual net with all that the zoo's have: strided blocks, down to 2x2 pixels, and squeeze-and-excitation. */
export function tinyNet(): Graph {
  const model = buildResNet(
    {
      name: 'tiny',
      block: 'basic',
      depths: [1, 1, 1],
      widths: [8, 16, 16],
      stemWidth: 8,
      squeezeExcitation: { reduction: 4 },
    },
    { numClasses: CLASSES, imageSize: IMAGE_SIZE },
  );
  initializeParameters(model, 3);
  return model;
}

/** Batches in which the class shows in the picture's colour and place, so that there is something to learn. */
export function tinyBatches(count: number, learningRate: number): StepInput[] {
  const random = new Random(11);
  const pixels = IMAGE_SIZE * IMAGE_SIZE;
  return Array.from({ length: count }, (_, step) => {
    const images = Float32Array.from({ length: BATCH_SIZE * 3 * pixels }, () => random.normal());
    const targets = new Float32Array(BATCH_SIZE * CLASSES);
    for (let i = 0; i < BATCH_SIZE; i++) {
      const label = (step * BATCH_SIZE + i * 3) % CLASSES;
      targets[i * CLASSES + label] = 1;
      const start = (i * 3 + (label % 3)) * pixels;
      for (let p = 0; p < pixels; p++) if (p % 4 === Math.floor(label / 3)) images[start + p]! += 3;
    }
    return { images, targets, learningRate };
  });
}

/** |a - b| / |b|, by L2 norms. */
export function relativeDistance(a: Float32Array, b: Float32Array): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}
