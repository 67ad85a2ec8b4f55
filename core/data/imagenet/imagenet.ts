import { readFile } from 'node:fs/promises';
import type { Normalization } from '../dataset.ts';

/** How many classes ImageNet's have that nets are trained on (ILSVRC 2012). */
export const IMAGENET_CLASSES = 1000;

/**
 * Their names, in the order that all nets have them. `labels.txt` is torchvision's list
 * (torchvision 0.29, models/_meta.py; its licence is beside it), which is of WordNet's words, each class by another.
 */
export async function imagenetLabels(): Promise<string[]> {
  const text = await readFile(new URL('./labels.txt', import.meta.url), 'utf8');
  return text.trimEnd().split('\n');
}

/**
 * How a net of the zoo that was trained on ImageNet has its pixels normalised, of values from 0 to 1: torchvision's
 * as all of its weights; EfficientNet-Lite's as TensorFlow's trainer has it, `(byte - 127) / 128`.
 */
export function imagenetNormalization(model: string): Normalization {
  if (model.startsWith('efficientnet-lite')) {
    const [mean, std] = [127 / 255, 128 / 255];
    return { mean: [mean, mean, mean], std: [std, std, std] };
  }
  return { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
}
