/**
 * How a field is stored: a scalar (`int` a varint, `float` and `double` of 4 and 8 bytes), text or bytes, a
 * list of scalars (packed or one by one), or a message, by its name; `!` marks a message there is one of.
 * Behind that stands the name of a field that onnx-proto does not know, with `[]` if it is a list.
 */
export type FieldKind = ScalarKind | MessageName;
export type ScalarKind = 'int' | 'float' | 'double' | 'bytes' | 'ints' | 'int32s' | 'floats' | 'doubles';

export type MessageName = keyof typeof FIELDS;

// biome-ignore format: a line a message, as in a table
const FIELDS = {
  Model: { 1: 'int', 2: 'bytes', 3: 'bytes', 4: 'bytes', 5: 'int', 6: 'bytes', 7: 'Graph!', 8: 'Opset', 14: 'Entry', 20: 'Training', 25: 'Function', 26: 'Configuration configuration[]' },
  Graph: { 1: 'Node', 2: 'bytes', 5: 'Tensor', 10: 'bytes', 11: 'Value', 12: 'Value', 13: 'Value', 14: 'Annotation', 15: 'Sparse', 16: 'Entry metadataProps[]' },
  Node: { 1: 'bytes', 2: 'bytes', 3: 'bytes', 4: 'bytes', 5: 'Attribute', 6: 'bytes', 7: 'bytes', 8: 'bytes overload', 9: 'Entry metadataProps[]', 10: 'NodeConfiguration deviceConfigurations[]' },
  Attribute: { 1: 'bytes', 2: 'float', 3: 'int', 4: 'bytes', 5: 'Tensor!', 6: 'Graph!', 7: 'floats', 8: 'ints', 9: 'bytes', 10: 'Tensor', 11: 'Graph', 13: 'bytes', 14: 'Type!', 15: 'Type', 20: 'int', 21: 'bytes', 22: 'Sparse!', 23: 'Sparse' },
  Tensor: { 1: 'ints', 2: 'int', 3: 'Segment!', 4: 'floats', 5: 'int32s', 6: 'bytes', 7: 'ints', 8: 'bytes', 9: 'bytes', 10: 'doubles', 11: 'ints', 12: 'bytes', 13: 'Entry', 14: 'int', 16: 'Entry metadataProps[]' },
  Segment: { 1: 'int', 2: 'int' },
  Sparse: { 1: 'Tensor!', 2: 'Tensor!', 3: 'ints' },
  Value: { 1: 'bytes', 2: 'Type!', 3: 'bytes', 4: 'Entry metadataProps[]' },
  Type: { 1: 'TensorType!', 4: 'ElementType!', 5: 'MapType!', 6: 'bytes', 7: 'OpaqueType! opaqueType', 8: 'TensorType!', 9: 'ElementType!' },
  TensorType: { 1: 'int', 2: 'Shape!' },
  Shape: { 1: 'Dimension' },
  Dimension: { 1: 'int', 2: 'bytes', 3: 'bytes' },
  /** Of a sequence or an optional value. */
  ElementType: { 1: 'Type!' },
  MapType: { 1: 'int', 2: 'Type!' },
  OpaqueType: { 1: 'bytes domain', 2: 'bytes name' },
  Annotation: { 1: 'bytes', 2: 'Entry' },
  Entry: { 1: 'bytes', 2: 'bytes' },
  Opset: { 1: 'bytes', 2: 'int' },
  Training: { 1: 'Graph!', 2: 'Graph!', 3: 'Entry', 4: 'Entry' },
  Function: { 1: 'bytes', 4: 'bytes', 5: 'bytes', 6: 'bytes', 7: 'Node', 8: 'bytes', 9: 'Opset', 10: 'bytes', 11: 'Attribute attributeProto[]', 12: 'Value valueInfo[]', 13: 'bytes overload', 14: 'Entry metadataProps[]' },
  /** How a node runs on several devices. */
  NodeConfiguration: { 1: 'bytes configurationId', 2: 'Sharding shardingSpec[]', 3: 'int pipelineStage' },
  Sharding: { 1: 'bytes tensorName', 2: 'ints device[]', 3: 'DeviceGroup indexToDeviceGroupMap[]', 4: 'ShardedDim shardedDim[]' },
  DeviceGroup: { 1: 'int key', 2: 'ints value[]' },
  ShardedDim: { 1: 'int axis', 2: 'SimpleShardedDim simpleSharding[]' },
  SimpleShardedDim: { 1: 'int dimValue', 2: 'bytes dimParam', 3: 'int numShards' },
  Configuration: { 1: 'bytes name', 2: 'int numDevices', 3: 'bytes device[]' },
} as const;

/** A field as the file has it: its kind, and whether there may be one only. */
export interface Field {
  kind: FieldKind;
  single: boolean;
  /** For a field that onnx-proto does not know: the property it is kept under, and whether that is a list. */
  newer: { name: string; list: boolean } | undefined;
}

/** The messages of today's onnx-ml.proto (ONNX 1.23) as their fields by number. */
export const WIRE_SCHEMA: ReadonlyMap<string, ReadonlyMap<number, Field>> = new Map(
  Object.entries(FIELDS).map(([name, fields]) => [name, new Map(Object.entries(fields).map(toField))]),
);

function toField([number, text]: [string, string]): [number, Field] {
  const [kind = '', name] = text.split(' ');
  const newer = name === undefined ? undefined : { name: name.replace('[]', ''), list: name.endsWith('[]') };
  return [Number(number), { kind: kind.replace('!', '') as FieldKind, single: kind.endsWith('!'), newer }];
}
