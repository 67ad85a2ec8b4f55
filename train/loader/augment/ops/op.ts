import type { ImageSize } from '../transform.ts';

/** The ops of the AutoAugment family, by torchvision's names (`_apply_op` in transforms/autoaugment.py). */
export const OP_NAMES = [
  'Identity',
  'ShearX',
  'ShearY',
  'TranslateX',
  'TranslateY',
  'Rotate',
  'Brightness',
  'Color',
  'Contrast',
  'Sharpness',
  'Posterize',
  'Solarize',
  'AutoContrast',
  'Equalize',
  'Invert',
] as const;
export type OpName = (typeof OP_NAMES)[number];

/** Changes one image of 3 * height * width channel-planar bytes in place. */
export type ImageOp = (image: Uint8Array) => void;

/** Memory that the ops of one size share; they run one after another. */
export interface OpScratch extends ImageSize {
  /** One channel, and after it a byte that stays 0: what lies outside the image. */
  readonly plane: Uint8Array;
}

export function createScratch({ height, width }: ImageSize): OpScratch {
  return { height, width, plane: new Uint8Array(height * width + 1) };
}
