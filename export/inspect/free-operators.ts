import { SHAPE_RULES } from '../../core/onnx/shapes/index.ts';

/**
 * Operators that by the convention of papers cost nothing, beside those that our own nets use: they move data
 * or work on each element by itself. The cost of any other operator is not known.
 */
const MORE = [
  ...[
    'CastLike',
    'ConstantOfShape',
    'Expand',
    'Gather',
    'GatherElements',
    'GatherND',
    'Pad',
    'Range',
    'Resize',
  ],
  ...['Shape', 'Size', 'Slice', 'Split', 'Tile', 'Where', 'DepthToSpace', 'SpaceToDepth', 'Upsample'],
  ...['And', 'Not', 'Or', 'Xor', 'Mod', 'Sign', 'Sin', 'Cos', 'IsNaN', 'CumSum', 'TopK', 'ArgMax', 'ArgMin'],
  ...['Celu', 'Elu', 'Gelu', 'Mish', 'PRelu', 'Selu', 'Softsign', 'ThresholdedRelu', 'Hardmax'],
  ...['GroupNormalization', 'InstanceNormalization', 'LayerNormalization', 'LRN', 'LpNormalization'],
  ...['LpPool', 'GlobalLpPool', 'ReduceL2', 'ReduceLogSumExp', 'ReduceProd'],
];

const COSTLY = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'];
const COUNTED = new Set([
  ...[...SHAPE_RULES.keys(), ...MORE, ...COSTLY],
  ...['ConvInteger', 'QLinearConv', 'MatMulInteger', 'QLinearMatMul'],
]);

/** Whether an operator's multiply-accumulates can be counted, be they 0. */
export function isCounted({ op, domain }: { op: string; domain: string }): boolean {
  return domain === '' && COUNTED.has(op);
}
