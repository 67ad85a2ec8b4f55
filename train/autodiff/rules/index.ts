import type { TrainingRule } from '../rule.ts';
import { addRule } from './add.ts';
import { batchNormalizationRule } from './batch-normalization.ts';
import { convRule } from './conv.ts';
import { flattenRule } from './flatten.ts';
import { gemmRule } from './gemm.ts';
import { globalAveragePoolRule } from './global-average-pool.ts';
import { mulRule } from './mul.ts';
import { reluRule } from './relu.ts';
import { sigmoidRule } from './sigmoid.ts';

/** The operators that can be trained, each with its gradient rule. */
export const TRAINING_RULES: ReadonlyMap<string, TrainingRule> = new Map([
  ['Add', addRule],
  ['BatchNormalization', batchNormalizationRule],
  ['Conv', convRule],
  ['Flatten', flattenRule],
  ['Gemm', gemmRule],
  ['GlobalAveragePool', globalAveragePoolRule],
  ['Mul', mulRule],
  ['Relu', reluRule],
  ['Sigmoid', sigmoidRule],
]);
