/**
 * How a field is stored: a scalar (`int` a varint, `float` and `double` of 4 and 8 bytes), text or bytes, a
 * list of scalars (packed or one by one), or a message, by its name; `!` marks a message there is one of.
 */
export type FieldKind = ScalarKind | MessageName;
export type ScalarKind = 'int' | 'float' | 'double' | 'bytes' | 'ints' | 'int32s' | 'floats' | 'doubles';

export type MessageName = keyof typeof FIELDS;

// biome-ignore format: a line a message, as in a table
const FIELDS = {
  Model: { 1: 'int', 2: 'bytes', 3: 'bytes', 4: 'bytes', 5: 'int', 6: 'bytes', 7: 'Graph!', 8: 'Opset', 14: 'Entry', 20: 'Training', 25: 'Function' },
  Graph: { 1: 'Node', 2: 'bytes', 5: 'Tensor', 10: 'bytes', 11: 'Value', 12: 'Value', 13: 'Value', 14: 'Annotation', 15: 'Sparse' },
  Node: { 1: 'bytes', 2: 'bytes', 3: 'bytes', 4: 'bytes', 5: 'Attribute', 6: 'bytes', 7: 'bytes' },
  Attribute: { 1: 'bytes', 2: 'float', 3: 'int', 4: 'bytes', 5: 'Tensor!', 6: 'Graph!', 7: 'floats', 8: 'ints', 9: 'bytes', 10: 'Tensor', 11: 'Graph', 13: 'bytes', 14: 'Type!', 15: 'Type', 20: 'int', 21: 'bytes', 22: 'Sparse!', 23: 'Sparse' },
  Tensor: { 1: 'ints', 2: 'int', 3: 'Segment!', 4: 'floats', 5: 'int32s', 6: 'bytes', 7: 'ints', 8: 'bytes', 9: 'bytes', 10: 'doubles', 11: 'ints', 12: 'bytes', 13: 'Entry', 14: 'int' },
  Segment: { 1: 'int', 2: 'int' },
  Sparse: { 1: 'Tensor!', 2: 'Tensor!', 3: 'ints' },
  Value: { 1: 'bytes', 2: 'Type!', 3: 'bytes' },
  Type: { 1: 'TensorType!', 4: 'ElementType!', 5: 'MapType!', 6: 'bytes', 8: 'TensorType!', 9: 'ElementType!' },
  TensorType: { 1: 'int', 2: 'Shape!' },
  Shape: { 1: 'Dimension' },
  Dimension: { 1: 'int', 2: 'bytes', 3: 'bytes' },
  /** Of a sequence or an optional value. */
  ElementType: { 1: 'Type!' },
  MapType: { 1: 'int', 2: 'Type!' },
  Annotation: { 1: 'bytes', 2: 'Entry' },
  Entry: { 1: 'bytes', 2: 'bytes' },
  Opset: { 1: 'bytes', 2: 'int' },
  Training: { 1: 'Graph!', 2: 'Graph!', 3: 'Entry', 4: 'Entry' },
  Function: { 1: 'bytes', 4: 'bytes', 5: 'bytes', 6: 'bytes', 7: 'Node', 8: 'bytes', 9: 'Opset', 10: 'bytes' },
} as const;

/** A field as the file has it: its kind, and whether there may be one only. */
export interface Field {
  kind: FieldKind;
  single: boolean;
}

/** The messages of ONNX 1.10's onnx.proto that our decoder reads, as their fields by number. */
export const WIRE_SCHEMA: ReadonlyMap<string, ReadonlyMap<number, Field>> = new Map(
  Object.entries(FIELDS).map(([name, fields]) => [name, new Map(Object.entries(fields).map(toField))]),
);

function toField([number, text]: [string, string]): [number, Field] {
  return [Number(number), { kind: text.replace('!', '') as FieldKind, single: text.endsWith('!') }];
}
