import { identity, negate, relu, sigmoid, sqrt } from './activation.ts';
import { add, divide, minimum, multiply, subtract } from './arithmetic.ts';
import { batchNormalization } from './batch-normalization.ts';
import { conv } from './conv.ts';
import { gemm } from './matrix.ts';
import type { TfjsOp } from './op.ts';
import { globalAveragePool } from './pooling.ts';
import { logSoftmax, reduceSum } from './reduction.ts';
import { concat, flatten, reshape, split } from './shape.ts';

/** The operators that TensorFlow.js can train with: those of the models, and those of loss and optimisers. */
export const TFJS_OPS: ReadonlyMap<string, TfjsOp> = new Map([
  ['Add', add],
  ['BatchNormalization', batchNormalization],
  ['Concat', concat],
  ['Conv', conv],
  ['Div', divide],
  ['Flatten', flatten],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalAveragePool],
  ['Identity', identity],
  ['LogSoftmax', logSoftmax],
  ['Min', minimum],
  ['Mul', multiply],
  ['Neg', negate],
  ['ReduceSum', reduceSum],
  ['Relu', relu],
  ['Reshape', reshape],
  ['Sigmoid', sigmoid],
  ['Split', split],
  ['Sqrt', sqrt],
  ['Sub', subtract],
]);
