import { CONVOLUTION } from './families/convolution.ts';
import { ELEMENTWISE } from './families/elementwise.ts';
import { LAYOUT } from './families/layout.ts';
import { MATRIX } from './families/matrix.ts';
import { NORMALIZATION } from './families/normalization.ts';
import { POOLING } from './families/pooling.ts';
import type { Rule } from './rule.ts';

/** The operators of ai.onnx that can be trained, each with its rule. */
export const RULES: ReadonlyMap<string, Rule> = new Map(
  Object.entries({ ...CONVOLUTION, ...ELEMENTWISE, ...LAYOUT, ...MATRIX, ...NORMALIZATION, ...POOLING }),
);
