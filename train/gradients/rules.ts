import { ACTIVATIONS } from './families/activations.ts';
import { ATTENTION } from './families/attention.ts';
import { CONVOLUTION } from './families/convolution.ts';
import { DROPOUT } from './families/dropout.ts';
import { ELEMENTWISE } from './families/elementwise.ts';
import { INDEXING } from './families/indexing.ts';
import { LAYOUT } from './families/layout.ts';
import { MATRIX } from './families/matrix.ts';
import { NORMALIZATION } from './families/normalization.ts';
import { POOLING } from './families/pooling.ts';
import { REDUCTION } from './families/reduction.ts';
import type { Rule } from './rule.ts';

/** The operators of ai.onnx that can be trained, each with its rule; code may add its own. */
export const RULES: Map<string, Rule> = new Map(
  Object.entries({
    ...ACTIVATIONS,
    ...ATTENTION,
    ...CONVOLUTION,
    ...DROPOUT,
    ...ELEMENTWISE,
    ...INDEXING,
    ...LAYOUT,
    ...MATRIX,
    ...NORMALIZATION,
    ...POOLING,
    ...REDUCTION,
  }),
);
