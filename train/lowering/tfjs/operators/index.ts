import type { TfjsOperator } from '../operator.ts';
import { CONVOLUTION } from './convolution.ts';
import { ELEMENTWISE } from './elementwise.ts';
import { LAYOUT } from './layout.ts';
import { MATRIX } from './matrix.ts';
import { NORMALIZATION } from './normalization.ts';
import { POOLING } from './pooling.ts';
import { REDUCTION } from './reduction.ts';

/** How TensorFlow computes the operators of ONNX, and those of the domain `training`, which have it in their name. */
export const OPERATORS: Map<string, TfjsOperator> = new Map(
  Object.entries({
    ...CONVOLUTION,
    ...ELEMENTWISE,
    ...LAYOUT,
    ...MATRIX,
    ...NORMALIZATION,
    ...POOLING,
    ...REDUCTION,
  }),
);
