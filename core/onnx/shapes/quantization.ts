import { type DataType, intAttribute } from '../graph.ts';
import { compatible, formatDims, type RuleContext, resolveAxis, type ShapeRule } from './rule.ts';

const EIGHT_BIT: readonly DataType[] = ['int8', 'uint8'];

/** QuantizeLinear: the type of the zero point, uint8 without one. */
const quantize: ShapeRule = (context) => {
  checkScale(context);
  const dtype = context.optional(2)?.dtype ?? 'uint8';
  if (!EIGHT_BIT.includes(dtype)) throw context.error(`its zero point is ${dtype}, not int8 or uint8`);
  return [{ dtype, dims: context.input(0).dims }];
};

/** DequantizeLinear: float32. */
const dequantize: ShapeRule = (context) => {
  checkScale(context);
  const { dtype, dims } = context.input(0);
  const zeroPoint = context.optional(2)?.dtype ?? dtype;
  if (zeroPoint !== dtype) throw context.error(`its zero point is ${zeroPoint}, its input ${dtype}`);
  return [{ dtype: 'float32', dims }];
};

/** DynamicQuantizeLinear: the quantised values, and their scale and zero point. */
const dynamicQuantize: ShapeRule = (context) => [
  { dtype: 'uint8', dims: context.input(0).dims },
  { dtype: 'float32', dims: [] },
  { dtype: 'uint8', dims: [] },
];

/** Scale and zero point are a scalar, or a vector with a value for each index of `axis`. */
function checkScale(context: RuleContext): void {
  const { dims } = context.input(0);
  const scale = context.input(1).dims;
  const zeroPoint = context.optional(2)?.dims ?? scale;
  if (zeroPoint.join() !== scale.join()) {
    throw context.error(`its scale is ${formatDims(scale)}, its zero point ${formatDims(zeroPoint)}`);
  }
  // One value counts as a scalar, whichever way it is written.
  if (scale.length === 0 || (scale.length === 1 && scale[0] === 1)) return;
  const axis = resolveAxis(context, intAttribute(context.node, 'axis', 1), dims.length);
  if (scale.length !== 1 || !compatible(scale[0]!, dims[axis]!)) {
    throw context.error(`its scale is ${formatDims(scale)}, axis ${axis} of its input has ${dims[axis]}`);
  }
}

export const QUANTIZATION_RULES: Readonly<Record<string, ShapeRule>> = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamicQuantize,
};
