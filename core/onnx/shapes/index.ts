import { CONVOLUTION_RULES } from './convolution.ts';
import { ELEMENTWISE_RULES } from './elementwise.ts';
import { LAYOUT_RULES } from './layout.ts';
import { MATRIX_RULES } from './matrix.ts';
import { NORMALIZATION_RULES } from './normalization.ts';
import { PADDING_RULES } from './padding.ts';
import { POOLING_RULES } from './pooling.ts';
import { QUANTIZATION_RULES } from './quantization.ts';
import { REDUCTION_RULES } from './reduction.ts';
import type { ShapeRule } from './rule.ts';

/** Constant: the tensor in its attribute. */
const constant: ShapeRule = ({ node, error }) => {
  const value = node.attributes.value;
  if (value?.type !== 'tensor') throw error('only constants with a tensor "value" are supported');
  return [{ dtype: value.value.dtype, dims: value.value.dims }];
};

/** The shape rule of every operator of ai.onnx there is one for, by the operator's name. */
export const SHAPE_RULES: ReadonlyMap<string, ShapeRule> = new Map(
  Object.entries({
    Constant: constant,
    ...CONVOLUTION_RULES,
    ...ELEMENTWISE_RULES,
    ...LAYOUT_RULES,
    ...MATRIX_RULES,
    ...NORMALIZATION_RULES,
    ...PADDING_RULES,
    ...POOLING_RULES,
    ...QUANTIZATION_RULES,
    ...REDUCTION_RULES,
  }),
);
