import { type DataType, type GraphNode, intAttribute } from '../graph.ts';
import { dataTypeOf } from '../tensor-proto.ts';
import {
  compatible,
  formatDims,
  type Operator,
  resolveAxis,
  type ShapeContext,
  type ShapeRule,
  sameShape,
} from './operator.ts';

const QUANTIZED: readonly DataType[] = [
  ...(['int8', 'uint8', 'int16', 'uint16', 'int4', 'uint4', 'int2', 'uint2'] as const),
  ...(['float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz', 'float4e2m1'] as const),
];

const quantize: ShapeRule = (context) => {
  checkScale(context);
  const dtype = context.optional(2)?.dtype;
  if (dtype && !QUANTIZED.includes(dtype)) {
    throw context.error(`its zero point is ${dtype}, not int8, uint8 or another type of few bits`);
  }
  return [context.input(0).dims];
};

const dequantize: ShapeRule = (context) => {
  checkScale(context);
  const { dtype, dims } = context.input(0);
  const zeroPoint = context.optional(2)?.dtype ?? dtype;
  if (zeroPoint !== dtype) throw context.error(`its zero point is ${zeroPoint}, its input ${dtype}`);
  return [dims];
};

/** Scale and zero point are a scalar, a vector with a value for each index of `axis`, or one for each block of it. */
function checkScale(context: ShapeContext): void {
  const { dims } = context.input(0);
  const scale = context.input(1).dims;
  const zeroPoint = context.optional(2)?.dims ?? scale;
  if (zeroPoint.join() !== scale.join()) {
    throw context.error(`its scale is ${formatDims(scale)}, its zero point ${formatDims(zeroPoint)}`);
  }
  // One value counts as a scalar, whichever way it is written.
  if (scale.length === 0 || (scale.length === 1 && scale[0] === 1)) return;
  const axis = resolveAxis(context, intAttribute(context.node, 'axis', 1), dims.length);
  const block = intAttribute(context.node, 'block_size', 0);
  const wrong = (): Error =>
    context.error(`its scale is ${formatDims(scale)}, axis ${axis} of its input has ${dims[axis]}`);
  if (block > 0) {
    const blocks = dims.map((dim, i) =>
      i === axis && typeof dim === 'number' ? Math.ceil(dim / block) : dim,
    );
    if (scale.length !== dims.length || !scale.every((dim, i) => compatible(dim, blocks[i]!))) throw wrong();
  } else if (scale.length !== 1 || !compatible(scale[0]!, dims[axis]!)) throw wrong();
}

/** The type that the attribute `output_dtype` names, from operator sets 21 and 23 on. */
function namedType(node: GraphNode): DataType | undefined {
  return dataTypeOf(intAttribute(node, 'output_dtype', 0));
}

export const QUANTIZATION: Readonly<Record<string, Operator>> = {
  QuantizeLinear: {
    attributes: ['axis', 'block_size', 'output_dtype', 'precision', 'saturate'],
    shape: quantize,
    types: ({ node, type }) => [namedType(node) ?? (node.inputs[2] ? type(2) : 'uint8')],
    weights: [],
    moves: 'rounded',
  },
  DequantizeLinear: {
    attributes: ['axis', 'block_size', 'output_dtype'],
    shape: dequantize,
    types: ({ node, type }) => [namedType(node) ?? type(1)],
    weights: [],
    moves: 'rounded',
  },
  // The quantised values, and their scale and zero point.
  DynamicQuantizeLinear: {
    attributes: [],
    shape: (context) => [...sameShape(context), [], []],
    types: () => ['uint8', 'float32', 'uint8'],
  },
};
