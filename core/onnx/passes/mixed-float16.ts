import { MAX_FLOAT16 } from '../../weights/to-float16.ts';
import { GraphBuilder } from '../builder.ts';
import { cloneGraph, type Graph, type GraphNode, int, intAttribute, type TensorValue } from '../graph.ts';
import { dataTypeCode } from '../tensor-proto.ts';
import { hoistConstants } from './hoist-constants.ts';
import { halfTensor } from './to-float16.ts';

/**
 * Operators that lose little in float16, with those of their inputs that are its float ones (all if not given). Sums
 * over many values, exponentials and norms are not among them: they stay in float32.
 */
const HALF: Readonly<Record<string, readonly number[] | 'all'>> = {
  ...Object.fromEntries(
    [
      ...['Add', 'Sub', 'Mul', 'Div', 'Neg', 'Abs', 'Min', 'Max', 'Clip', 'Concat', 'Identity', 'Flatten'],
      ...[
        'Conv',
        'ConvTranspose',
        'Gemm',
        'MatMul',
        'BatchNormalization',
        'PRelu',
        'Relu',
        'LeakyRelu',
        'Elu',
      ],
      ...[
        'AveragePool',
        'GlobalAveragePool',
        'MaxPool',
        'GlobalMaxPool',
        'Sigmoid',
        'HardSigmoid',
        'HardSwish',
      ],
      ...['Tanh', 'Transpose', 'DepthToSpace', 'SpaceToDepth'],
    ].map((op) => [op, 'all']),
  ),
  ...Object.fromEntries(
    ['Reshape', 'Squeeze', 'Unsqueeze', 'Slice', 'Gather', 'Expand', 'Split', 'Dropout'].map((op) => [
      op,
      [0],
    ]),
  ),
  Pad: [0, 2],
};
/** Operators that give the type of their first input, whatever they compute. */
const SAME_TYPE = new Set([
  ...[
    'Softmax',
    'LogSoftmax',
    'Exp',
    'Log',
    'Sqrt',
    'Pow',
    'Erf',
    'Gelu',
    'Reciprocal',
    'Round',
    'Floor',
    'Ceil',
  ],
  ...[
    'ReduceMean',
    'ReduceSum',
    'ReduceMax',
    'ReduceMin',
    'ReduceL2',
    'ReduceSumSquare',
    'ReduceProd',
    'ReduceL1',
  ],
  ...[
    'LayerNormalization',
    'InstanceNormalization',
    'GroupNormalization',
    'LpNormalization',
    'Softplus',
    'Selu',
  ],
  ...[
    'LRN',
    'Resize',
    'Upsample',
    'Hardmax',
    'Tile',
    'Swish',
    'Celu',
    'Mish',
    'ThresholdedRelu',
    'Sum',
    'Mean',
  ],
]);
/** Tensors of so few values are constants of a formula rather than weights. */
const FEW = 4;
const SMALLEST_FLOAT16 = 2 ** -14;

/**
 * Makes a float32 graph of any program compute in float16 where that costs little, and in float32 elsewhere, with a
 * Cast wherever a value goes from one to the other; its inputs and outputs stay float32. Of a value whose type is not
 * known nothing is assumed: what reads it stays as it is.
 * @returns a new graph, the input and its tensors untouched, and how many nodes compute in float16
 * @throws UserError naming the tensor, if a weight is beyond what float16 holds
 */
export function convertMostToFloat16(graph: Graph): { graph: Graph; converted: number } {
  const source = hoistConstants(graph);
  const floats = floatValues(source);
  const inHalf = new Set(source.nodes.filter((node) => canBeHalf(node, source, floats)));
  const mixed: Graph = { ...cloneGraph(source), nodes: [] };
  const names = new GraphBuilder({ ...source });
  // Others know these by name, so that they stay in float32 under it.
  const fixed = new Set([
    ...[...source.inputs, ...source.outputs].map(({ name }) => name),
    ...source.nodes.flatMap(capturedBy),
  ]);
  const readSingle = new Set(fixed);
  for (const node of source.nodes) {
    node.inputs.forEach((name, index) => {
      if (!inHalf.has(node) || !isFloatInput(node, index)) readSingle.add(name);
    });
  }
  const halves = new Map<string, string>();
  const singles = new Map<string, string>();
  const cast = (from: string, to: string, dtype: 'float16' | 'float32'): string => {
    const attributes = { to: int(dataTypeCode(dtype)) };
    mixed.nodes.push({
      op: 'Cast',
      domain: '',
      name: `Cast:${to}`,
      inputs: [from],
      outputs: [to],
      attributes,
    });
    return to;
  };
  /** The name that a float value has in float16. */
  const half = (name: string): string => {
    const known = halves.get(name);
    if (known !== undefined) return known;
    const tensor = source.initializers.get(name);
    const own = tensor && !readSingle.has(name) ? name : names.unique(`${name}.float16`);
    halves.set(name, own);
    if (tensor) mixed.initializers.set(own, halfTensor(tensor, name));
    else cast(name, own, 'float16');
    return own;
  };
  /** The name that a value has in its own type. */
  const single = (name: string): string => {
    if (!singles.has(name)) return name;
    const own = singles.get(name)!;
    if (own !== '') return own;
    const to = fixed.has(name) ? name : names.unique(`${name}.float32`);
    singles.set(name, to);
    return cast(halves.get(name)!, to, 'float32');
  };
  for (const node of source.nodes) {
    for (const name of capturedBy(node)) single(name);
    const isHalf = inHalf.has(node);
    const inputs = node.inputs.map((name, index) =>
      name === '' ? '' : isHalf && isFloatInput(node, index) ? half(name) : single(name),
    );
    if (!isHalf) {
      mixed.nodes.push({ ...node, inputs });
      continue;
    }
    const outputs = node.outputs.map((name, index) => {
      if (name === '' || (index > 0 && node.op !== 'Split')) return name;
      const own = fixed.has(name) ? names.unique(`${name}.float16`) : name;
      halves.set(name, own);
      singles.set(name, '');
      return own;
    });
    mixed.nodes.push({ ...node, inputs, outputs });
  }
  for (const { name } of source.outputs) single(name);
  return { graph: mixed, converted: inHalf.size };
}

/** Every value that is known to be float32. */
function floatValues(graph: Graph): Set<string> {
  const floats = new Set<string>();
  for (const { name, dtype } of graph.inputs) if (dtype === 'float32') floats.add(name);
  for (const [name, { dtype }] of graph.initializers) if (dtype === 'float32') floats.add(name);
  const FLOAT = dataTypeCode('float32');
  for (const { op, domain, inputs, outputs, attributes } of graph.nodes) {
    const to = attributes.to;
    const given =
      domain === '' &&
      (op === 'Cast'
        ? to?.type === 'int' && to.value === FLOAT
        : op === 'DequantizeLinear'
          ? floats.has(inputs[1] ?? '')
          : (op in HALF || SAME_TYPE.has(op)) && floats.has(inputs[0] ?? ''));
    if (given) for (const name of op === 'Split' ? outputs : outputs.slice(0, 1)) floats.add(name);
  }
  return floats;
}

function isFloatInput({ op }: GraphNode, index: number): boolean {
  const which = HALF[op];
  return which === 'all' || (which?.includes(index) ?? false);
}

function canBeHalf(node: GraphNode, graph: Graph, floats: ReadonlySet<string>): boolean {
  if (node.domain !== '' || !(node.op in HALF)) return false;
  if (node.op === 'BatchNormalization' && intAttribute(node, 'training_mode', 0) !== 0) return false;
  // Indices and masks of poolings and dropouts.
  if (node.op !== 'Split' && node.outputs.slice(1).some((name) => name !== '')) return false;
  return node.inputs.every((name, index) => {
    if (name === '' || !isFloatInput(node, index)) return true;
    return floats.has(name) && !isBeyond(graph.initializers.get(name));
  });
}

/** Whether a constant, such as the epsilon of a norm, is none any more in float16. */
function isBeyond(tensor: TensorValue | undefined): boolean {
  if (!tensor || tensor.data.length > FEW) return false;
  return [...(tensor.data as Float32Array)].some((value) => {
    const size = Math.abs(value);
    return size > MAX_FLOAT16 || (size > 0 && size < SMALLEST_FLOAT16);
  });
}

/** The values around a node that bodies in it may read. */
function capturedBy(node: GraphNode): string[] {
  return Object.values(node.attributes).flatMap((attribute) =>
    attribute.type === 'graph' ? readIn(attribute.value) : [],
  );
}

function readIn(body: Graph): string[] {
  return [
    ...body.nodes.flatMap((node) => [...node.inputs, ...capturedBy(node)]),
    ...body.outputs.map(({ name }) => name),
  ];
}
