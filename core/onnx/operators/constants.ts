import {
  type DataType,
  type Dim,
  floatTensor,
  type GraphNode,
  int64Tensor,
  intAttribute,
  sizeOf,
  type TensorValue,
} from '../graph.ts';
import { dataTypeOf } from '../tensor-proto.ts';
import {
  formatDims,
  type IntsRule,
  intsOf,
  MOST_INTS,
  type Operator,
  product,
  type ShapeContext,
  type ShapeRule,
  sameShape,
} from './operator.ts';

/*
 * Operators that make values of none: constants, sizes, ranges.
 */

/** The tensor that a Constant node holds, in whichever of its attributes; undefined of texts, sparse ones, and other nodes. */
export function constantValue(node: GraphNode | undefined): TensorValue | undefined {
  if (node?.op !== 'Constant' || node.domain !== '') return undefined;
  for (const [name, attribute] of Object.entries(node.attributes)) {
    if (name === 'value' && attribute.type === 'tensor') return attribute.value;
    if (name === 'value_int' && attribute.type === 'int') return int64Tensor([attribute.value], []);
    if (name === 'value_ints' && attribute.type === 'ints') return int64Tensor(attribute.value);
    if (name === 'value_float' && attribute.type === 'float') return floatTensor([], [attribute.value]);
    if (name === 'value_floats' && attribute.type === 'floats') {
      return floatTensor([attribute.value.length], attribute.value);
    }
  }
  return undefined;
}

const constant: ShapeRule = ({ node, error }) => {
  const value = constantValue(node);
  if (!value) throw error('only constants of a tensor or of numbers are supported');
  return [value.dims];
};

/** The part of its input's dimensions that `start` and `end` bound. */
const sizes = (context: ShapeContext): Dim[] => {
  const end = context.node.attributes.end;
  return context
    .input(0)
    .dims.slice(intAttribute(context.node, 'start', 0), end?.type === 'int' ? end.value : undefined);
};

/** A tensor of one value. */
function filling({ attributes }: GraphNode): TensorValue {
  return attributes.value?.type === 'tensor' ? attributes.value.value : floatTensor([], [0]);
}

const constantOfShape: ShapeRule = (context) => {
  const dims = intsOf(context, '', 0, 'shape is');
  if (!dims) throw context.error('input 0 is missing');
  if (dims.some((dim) => typeof dim === 'number' && dim < 0)) {
    throw context.error(`its shape is ${formatDims(dims)}`);
  }
  return [dims];
};

const filledInts: IntsRule = (context) => {
  const dims = context.constantInts(0);
  const [value] = filling(context.node).data;
  if (!dims || sizeOf(dims) > MOST_INTS || value === undefined) return undefined;
  return Array<Dim>(sizeOf(dims)).fill(Number(value));
};

/** From start to limit, without it, by delta; of a size by its name. */
const range: ShapeRule = (context) => {
  const value = (index: number): Dim | undefined => {
    context.input(index);
    const constant = context.constant(index)?.data[0];
    return constant === undefined ? context.ints(index)?.[0] : Number(constant);
  };
  const [start, limit, delta] = [value(0), value(1), value(2)];
  if (start === 0 && delta === 1 && typeof limit === 'string') return [[limit]];
  if (typeof start !== 'number' || typeof limit !== 'number' || typeof delta !== 'number') {
    return [[context.unknown(0)]];
  }
  if (delta === 0) throw context.error('it counts in steps of 0');
  return [[Math.max(0, Math.ceil((limit - start) / delta))]];
};

const rangeInts: IntsRule = (context) => {
  const [start, , delta] = [0, 1, 2].map((index) => context.constantInts(index)?.[0]);
  const [[length]] = range(context) as [[Dim]];
  if (start === undefined || delta === undefined || typeof length !== 'number') return undefined;
  return length > MOST_INTS ? undefined : Array.from({ length }, (_, i) => start + i * delta);
};

const INT64 = (): DataType[] => ['int64'];

export const CONSTANTS: Readonly<Record<string, Operator>> = {
  Constant: {
    attributes: ['value', 'value_float', 'value_floats', 'value_int', 'value_ints'],
    shape: constant,
    types: ({ node }) => [constantValue(node)?.dtype],
  },
  Shape: {
    attributes: ['end', 'start'],
    shape: (context) => [[sizes(context).length]],
    types: INT64,
    weights: [],
    ints: sizes,
  },
  Size: {
    attributes: [],
    shape: () => [[]],
    types: INT64,
    weights: [],
    ints: (context) => {
      const size = product(context.input(0).dims);
      return size === undefined ? undefined : [size];
    },
  },
  ConstantOfShape: {
    attributes: ['value'],
    shape: constantOfShape,
    types: ({ node }) => [filling(node).dtype],
    weights: [],
    ints: filledInts,
  },
  Range: { attributes: [], shape: range, ints: rangeInts },
  EyeLike: {
    attributes: ['dtype', 'k'],
    shape: sameShape,
    types: ({ node, type }) => [dataTypeOf(intAttribute(node, 'dtype', 0)) ?? type(0)],
  },
};
