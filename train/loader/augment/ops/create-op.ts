import { brightness, color, contrast } from './enhance.ts';
import { rotate, shearX, shearY, translateX, translateY } from './geometry.ts';
import { autoContrast, equalize } from './histogram.ts';
import type { ImageOp, OpName, OpScratch } from './op.ts';
import { sharpness } from './sharpness.ts';
import { invert, posterize, solarize } from './tone.ts';

/**
 * The op that torchvision's `_apply_op` (transforms/autoaugment.py) applies to a PIL image, bit for bit, with
 * nearest-neighbour interpolation and black outside. Everything that depends on the magnitude alone is worked
 * out here, once.
 * @param magnitude what it means depends on the op; of no account for the last three and Identity
 */
export function createOp(name: OpName, magnitude: number, scratch: OpScratch): ImageOp {
  switch (name) {
    case 'Identity':
      return () => {};
    case 'ShearX':
      return shearX(magnitude, scratch);
    case 'ShearY':
      return shearY(magnitude, scratch);
    case 'TranslateX':
      return translateX(magnitude, scratch);
    case 'TranslateY':
      return translateY(magnitude, scratch);
    case 'Rotate':
      return rotate(magnitude, scratch);
    case 'Brightness':
      return brightness(1 + magnitude);
    case 'Color':
      return color(1 + magnitude, scratch);
    case 'Contrast':
      return contrast(1 + magnitude, scratch);
    case 'Sharpness':
      return sharpness(1 + magnitude, scratch);
    case 'Posterize':
      return posterize(magnitude);
    case 'Solarize':
      return solarize(magnitude);
    case 'AutoContrast':
      return autoContrast(scratch);
    case 'Equalize':
      return equalize(scratch);
    case 'Invert':
      return invert();
  }
}
