import { buildModel, MODEL_NAMES } from '../models/zoo.ts';
import {
  cloneGraph,
  floatAttribute,
  type Graph,
  type GraphNode,
  intAttribute,
  intsAttribute,
  sizeOf,
  type TensorValue,
} from '../onnx/graph.ts';
import { constantValue } from '../onnx/operators/constants.ts';
import { foldBatchNorm } from '../onnx/passes/fold-batch-norm.ts';
import { inferShapes, type TensorShape } from '../onnx/shape-inference.ts';
import { FLOAT_BYTES, type FloatFormat, toFloat32 } from './float-formats.ts';
import type { TensorFile } from './safetensors.ts';

export type GraphMatch =
  | { model: string; tensors: TensorFile['tensors'] }
  /** Why it is of no model of the zoo. */
  | { reason: string };

/**
 * Finds the model of the zoo that computes what a graph does, and its weights by where they are in the graph. Their
 * names say nothing: exporters fold batch norm into convolutions, drop biases of zeros, transpose the classifier,
 * and call what they made `onnx::Conv_204` or `conv1.weight_bias`. The graph is followed from its scores back to
 * its image, operator by operator, through those that exporters write in several ways.
 */
export function matchGraph(given: Graph): GraphMatch {
  const graph = withConstants(given);
  const classes = classesOf(graph);
  if (classes === undefined) return { reason: 'it does not end in a fully connected layer' };
  const additions = residuals(graph);
  const imageSize = Number(graph.inputs[0]?.dims[2]) || undefined;
  const candidates = MODEL_NAMES.filter((model) => residualsOf(model) === additions);
  let nearest: { model: string; matched: number; taken: number; reason: string } | undefined;
  for (const form of [graph, foldBatchNorm(graph)]) {
    const folded = form.nodes.every(({ op }) => op !== 'BatchNormalization');
    for (const model of candidates) {
      const built = buildModel(model, { numClasses: classes, imageSize });
      const matcher = new Matcher(folded ? foldBatchNorm(built) : built, form);
      if (matcher.matches()) return { model, tensors: matcher.tensors };
      const { matched, taken, reason } = matcher;
      const nearer = nearest && (matched - nearest.matched || taken - nearest.taken) > 0;
      if (!nearest || nearer) nearest = { model, matched, taken, reason };
    }
  }
  if (!nearest) return { reason: `no model of the zoo has ${additions} residual additions` };
  return { reason: `its graph is most like ${nearest.model}, but ${nearest.reason}` };
}

const RESIDUALS = new Map<string, number>();

/** Those of a net of the zoo. */
function residualsOf(model: string): number {
  // With one class, for a claim of many would claim memory in every net.
  const count = RESIDUALS.get(model) ?? residuals(buildModel(model, { numClasses: 1 }));
  RESIDUALS.set(model, count);
  return count;
}

/** What looking at the largest net takes is some hundreds; a graph may be made to be looked at without end. */
const MAX_STEPS = 50_000;

/** Values that are given, not computed. */
type Constants = ReadonlyMap<string, TensorValue>;

/** A copy with constants of all kinds as initializers, floats as float32. */
function withConstants(given: Graph): Graph {
  const graph = cloneGraph(given);
  for (const [name, tensor] of graph.initializers) graph.initializers.set(name, asFloat32(tensor));
  graph.nodes = graph.nodes.filter((node) => {
    const tensor = node.domain === '' ? constantOf(node, graph.initializers) : undefined;
    if (tensor) graph.initializers.set(node.outputs[0]!, asFloat32(tensor));
    return !tensor;
  });
  return graph;
}

/** What a node gives that computes nothing but another form of constants. */
function constantOf(node: GraphNode, constants: Constants): TensorValue | undefined {
  const { op, inputs } = node;
  if (op === 'Constant') return constantValue(node);
  const tensor = constants.get(inputs[0] ?? '');
  if (!tensor) return undefined;
  const isFloat = tensor.data instanceof Float32Array;
  // Of a type that floats are cast to, only other floats come into question where weights are.
  if (op === 'Identity' || (isFloat && (op === 'CastLike' || op === 'Expand'))) return tensor;
  // Of axes, which are a list in any form.
  if (op === 'Reshape' && !isFloat) return tensor;
  if (op === 'Transpose' && isFloat && tensor.dims.length === 2) return transposed(tensor);
  return undefined;
}

function asFloat32(tensor: TensorValue): TensorValue {
  const { dtype, dims, data } = tensor;
  if (dtype === 'float32' || !(dtype in FLOAT_BYTES)) return tensor;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype: 'float32', dims, data: toFloat32(bytes, dtype as FloatFormat) };
}

function transposed({ dims: [rows = 0, columns = 0], data }: TensorValue): TensorValue {
  const turned = new Float32Array(data.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) turned[c * rows + r] = Number(data[r * columns + c]);
  return { dtype: 'float32', dims: [columns, rows], data: turned };
}

/** Additions of two computed values. */
function residuals({ nodes, initializers }: Graph): number {
  return nodes.filter(({ op, inputs }) => op === 'Add' && !inputs.some((name) => initializers.has(name)))
    .length;
}

/** The classes that the last fully connected layer tells apart. */
function classesOf(graph: Graph): number | undefined {
  const last = graph.nodes.findLast(({ op }) => op === 'Gemm' || op === 'MatMul');
  const dims = graph.initializers.get(last?.inputs[1] ?? '')?.dims;
  if (!last || dims?.length !== 2) return undefined;
  const classes = dims[intAttribute(last, 'transB', 0) === 1 ? 0 : 1]!;
  return classes >= 1 && classes <= 65_536 ? classes : undefined;
}

/** Change nothing, in inference. */
const HANDING_ON: ReadonlySet<string> = new Set(['Identity', 'Cast', 'CastLike', 'Dropout']);
/** After the scores. */
const AFTER_SCORES: ReadonlySet<string> = new Set(['Softmax', 'LogSoftmax']);
/** Change the form only of values that have one number a channel. */
const RESHAPING: ReadonlySet<string> = new Set(['Flatten', 'Reshape', 'Squeeze', 'Unsqueeze']);

class Matcher {
  readonly tensors: TensorFile['tensors'] = new Map();
  /** Operators of the net that were found, at the best. */
  matched = 0;
  /** Tensors on the way down to where they part. */
  taken = 0;
  reason = 'it has another end';
  readonly #wanted: Map<string, GraphNode>;
  readonly #given: Map<string, GraphNode>;
  readonly #shapes: ReadonlyMap<string, TensorShape>;
  /** Values of the net that are one number a channel. */
  readonly #pooled: ReadonlySet<string>;
  #steps = 0;
  /** Which value of the graph is which of the net. */
  readonly #pairs = new Map<string, string>();

  constructor(
    readonly wanted: Graph,
    readonly given: Graph,
  ) {
    this.#wanted = producers(wanted);
    this.#given = producers(given);
    this.#shapes = inferShapes(wanted);
    this.#pooled = pooledValues(wanted);
  }

  matches(): boolean {
    // Anything else may be given beside the scores.
    return this.given.outputs.some(({ name }) => {
      this.tensors.clear();
      this.#pairs.clear();
      return this.#same(this.wanted.outputs[0]!.name, this.#behind(name, AFTER_SCORES));
    });
  }

  /** The value behind operators that hand it on. */
  #behind(name: string, more: ReadonlySet<string> = new Set()): string {
    let value = name;
    for (;;) {
      const node = this.#given.get(value);
      if (node?.domain !== '' || !(HANDING_ON.has(node.op) || more.has(node.op))) return value;
      value = node.inputs[0]!;
    }
  }

  #same(wantedName: string, givenName: string): boolean {
    if (++this.#steps > MAX_STEPS) return false;
    const wanted = this.#wanted.get(wantedName);
    const reshaping = this.#pooled.has(wantedName) ? RESHAPING : undefined;
    const value = this.#behind(givenName, reshaping);
    const pair = this.#pairs.get(wantedName);
    if (pair !== undefined) return pair === value;
    const given = this.#given.get(value);
    const isSame = wanted
      ? given !== undefined && given.domain === '' && this.#sameNode(wanted, given)
      : this.given.inputs.some(({ name }) => name === value);
    if (isSame) {
      this.#pairs.set(wantedName, value);
      this.matched = Math.max(this.matched, this.#pairs.size);
    } else if (wanted) {
      this.#differ(wanted, given ? `has ${given.op}` : 'reads the image');
    }
    return isSame;
  }

  #differ(wanted: GraphNode, what: string): void {
    // The first that was told is nearest to where they part.
    if (this.#pairs.size < this.matched || this.reason !== 'it has another end') return;
    this.reason = `where the net has ${wanted.op} "${wanted.name}" it ${what}`;
  }

  #sameNode(wanted: GraphNode, given: GraphNode): boolean {
    const [first = '', second = ''] = wanted.inputs;
    switch (wanted.op) {
      case 'Flatten':
        return this.#same(first, given.outputs[0]!);
      case 'Add':
      case 'Mul':
        return given.op === wanted.op && this.#sameEitherWay([first, second], given.inputs);
      case 'GlobalAveragePool':
        return this.#isGlobalPool(given, first) && this.#same(first, given.inputs[0]!);
      case 'Clip':
        return given.op === 'Clip' && this.#sameEnds(wanted, given) && this.#same(first, given.inputs[0]!);
      case 'HardSigmoid':
        return isHardSigmoid(given) && this.#same(first, given.inputs[0]!);
      case 'HardSwish':
        return this.#sameHardSwish(first, given);
      case 'MaxPool':
        return given.op === 'MaxPool' && this.#sameWindow(wanted, given);
      case 'Conv':
        return this.#sameConv(wanted, given);
      case 'Gemm':
        return this.#sameLinear(wanted, given);
      case 'BatchNormalization':
        return this.#sameNorm(wanted, given);
      default:
        return given.op === wanted.op && this.#same(first, given.inputs[0]!);
    }
  }

  #sameEitherWay([a, b]: [string, string], [x = '', y = '']: string[]): boolean {
    for (const [left, right] of [
      [x, y],
      [y, x],
    ] as const) {
      const pairs = [...this.#pairs];
      if (this.#same(a, left) && this.#same(b, right)) return true;
      this.#pairs.clear();
      for (const [name, value] of pairs) this.#pairs.set(name, value);
    }
    return false;
  }

  #sameEnds(wanted: GraphNode, given: GraphNode): boolean {
    const endsOf = (node: GraphNode, { initializers }: Graph): number[] =>
      ['min', 'max'].map((name, at) =>
        node.inputs[at + 1]
          ? Number(initializers.get(node.inputs[at + 1]!)?.data[0])
          : floatAttribute(node, name, at === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY),
      );
    const [ours, theirs] = [endsOf(wanted, this.wanted), endsOf(given, this.given)];
    if (ours.join() === theirs.join()) return true;
    this.#differ(wanted, `has one from ${theirs[0]} to ${theirs[1]}`);
    return false;
  }

  /** Before operator set 14 it is a product. */
  #sameHardSwish(input: string, given: GraphNode): boolean {
    if (given.op === 'HardSwish') return this.#same(input, given.inputs[0]!);
    if (given.op !== 'Mul') return false;
    return given.inputs.some((gate, at) => {
      const sigmoid = this.#given.get(this.#behind(gate));
      const other = given.inputs[1 - at]!;
      const isGate = sigmoid !== undefined && isHardSigmoid(sigmoid) && sigmoid.domain === '';
      return isGate && this.#same(input, sigmoid.inputs[0]!) && this.#same(input, other);
    });
  }

  #sameWindow(wanted: GraphNode, given: GraphNode): boolean {
    if (intAttribute(given, 'ceil_mode', 0) !== 0) return false;
    const lists = ['kernel_shape', 'strides'].every((name) => this.#equal(wanted, given, name, [1, 1]));
    if (!lists || !this.#equal(wanted, given, 'dilations', [1, 1])) return false;
    // Padding of a node before it would be with zeros, a pool's own never wins.
    return this.#samePadding(wanted, given, []) && this.#same(wanted.inputs[0]!, given.inputs[0]!);
  }

  #equal(wanted: GraphNode, given: GraphNode, name: string, fallback: number[]): boolean {
    const [ours, theirs] = [wanted, given].map((node) => intsAttribute(node, name, fallback).join());
    if (ours !== theirs) this.#differ(wanted, `has one with ${name} of [${theirs}]`);
    return ours === theirs;
  }

  /** @param before padding of a node of its own before a conv, as `pads` */
  #samePadding(wanted: GraphNode, given: GraphNode, before: readonly number[]): boolean {
    const ours = intsAttribute(wanted, 'pads', [0, 0, 0, 0]);
    const automatic = given.attributes.auto_pad;
    const way = automatic?.type === 'string' ? automatic.value : 'NOTSET';
    let theirs = intsAttribute(given, 'pads', [0, 0, 0, 0]);
    if (way.startsWith('SAME')) {
      const size = this.#shapes.get(wanted.inputs[0]!)?.dims.slice(2).map(Number) ?? [];
      const strides = intsAttribute(wanted, 'strides', [1, 1]);
      const total = intsAttribute(wanted, 'kernel_shape', []).map((kernel, axis) =>
        Math.max(0, (Math.ceil(size[axis]! / strides[axis]!) - 1) * strides[axis]! + kernel - size[axis]!),
      );
      const [less, more] = [total.map((pad) => pad >> 1), total.map((pad) => pad - (pad >> 1))];
      theirs = way === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less];
    }
    const sum = theirs.map((pad, at) => pad + (before[at] ?? 0)).join();
    if (sum !== ours.join()) this.#differ(wanted, `has one with pads of [${sum}]`);
    return sum === ours.join();
  }

  /** What a conv reads, and the padding with zeros of a Pad in between. */
  #unpadded(input: string): { input: string; pads: number[] } {
    const pad = this.#given.get(this.#behind(input));
    if (pad?.op !== 'Pad' || pad.domain !== '') return { input, pads: [] };
    const constant = (at: number) => this.given.initializers.get(pad.inputs[at] ?? '');
    const pads = pad.inputs[1] ? Array.from(constant(1)?.data ?? [], Number) : intsAttribute(pad, 'pads', []);
    const value = pad.inputs[2] ? Number(constant(2)?.data[0]) : floatAttribute(pad, 'value', 0);
    const { mode } = pad.attributes;
    const isConstant = mode?.type !== 'string' || mode.value === 'constant';
    const onlyImage = pads.length === 8 && [0, 1, 4, 5].every((at) => pads[at] === 0) && !pad.inputs[3];
    if (value !== 0 || !isConstant || !onlyImage) return { input, pads: [] };
    return { input: pad.inputs[0]!, pads: [...pads.slice(2, 4), ...pads.slice(6)] };
  }

  #isGlobalPool(given: GraphNode, pooled: string): boolean {
    if (given.op === 'GlobalAveragePool') return true;
    if (given.op === 'ReduceMean') {
      const axes = intsAttribute(given, 'axes', []);
      const tensor = this.given.initializers.get(given.inputs[1] ?? '');
      const both = [...axes, ...Array.from(tensor?.data ?? [], Number)].map((axis) =>
        axis < 0 ? axis + 4 : axis,
      );
      return both.sort().join() === '2,3';
    }
    // A window as large as what is left of the image.
    const size = this.#shapes.get(pooled)?.dims.slice(2).join();
    return intsAttribute(given, 'kernel_shape', []).join() === size;
  }

  #sameConv(wanted: GraphNode, given: GraphNode): boolean {
    // Squeeze-and-excitation may be of fully connected layers.
    if (given.op !== 'Conv') return this.#pooled.has(wanted.outputs[0]!) && this.#sameLinear(wanted, given);
    const [x = '', weight = '', bias = ''] = wanted.inputs;
    const kernel = intsAttribute(wanted, 'kernel_shape', []);
    const tensor = this.given.initializers.get(given.inputs[1] ?? '');
    const [, , ...sides] = tensor?.dims ?? [];
    if (sides.join() !== kernel.join()) {
      this.#differ(wanted, `has one of ${sides.join('x')}`);
      return false;
    }
    const group = intAttribute(given, 'group', 1);
    if (group !== intAttribute(wanted, 'group', 1)) {
      this.#differ(wanted, `has one of ${group} ${group === 1 ? 'group' : 'groups'}`);
      return false;
    }
    const before = this.#unpadded(given.inputs[0]!);
    return (
      this.#samePadding(wanted, given, before.pads) &&
      this.#equal(wanted, given, 'strides', [1, 1]) &&
      this.#equal(wanted, given, 'dilations', [1, 1]) &&
      this.#take(weight, tensor) &&
      this.#takeBias(wanted, bias, given.inputs[2]) &&
      this.#same(x, before.input)
    );
  }

  /** A fully connected layer, as one operator or as a product and an addition. */
  #sameLinear(wanted: GraphNode, given: GraphNode): boolean {
    const [x = '', weight = '', bias = ''] = wanted.inputs;
    const constants = this.given.initializers;
    let [product, offset] = [given, given.inputs[2]];
    if (given.op === 'Add') {
      const at = given.inputs.findIndex((name) => constants.has(name));
      const other = this.#given.get(this.#behind(given.inputs[1 - at] ?? ''));
      if (at < 0 || !other) return false;
      [product, offset] = [other, given.inputs[at]];
    }
    if (product.op === 'Gemm') {
      const plain = ['alpha', 'beta'].every((name) => floatAttribute(product, name, 1) === 1);
      if (!plain || intAttribute(product, 'transA', 0) !== 0) return false;
    } else if (product.op !== 'MatMul') return false;
    const matrix = constants.get(product.inputs[1] ?? '');
    if (matrix?.dims.length !== 2) return false;
    const turned = intAttribute(product, 'transB', 0) === 1 ? matrix : transposed(matrix);
    return (
      this.#take(weight, turned) &&
      this.#takeBias(wanted, bias, offset) &&
      this.#same(x, this.#behind(product.inputs[0]!, RESHAPING))
    );
  }

  #sameNorm(wanted: GraphNode, given: GraphNode): boolean {
    if (given.op !== wanted.op || intAttribute(given, 'training_mode', 0) !== 0) return false;
    const epsilons = [wanted, given].map((node) => floatAttribute(node, 'epsilon', 1e-5));
    if (Math.abs(epsilons[0]! - epsilons[1]!) > 1e-9) {
      this.#differ(wanted, `has one with an epsilon of ${epsilons[1]}`);
      return false;
    }
    const [x = '', ...tensors] = wanted.inputs;
    return (
      tensors.every((name, i) => this.#take(name, this.given.initializers.get(given.inputs[i + 1] ?? ''))) &&
      this.#same(x, given.inputs[0]!)
    );
  }

  /** Takes the values of a tensor of the net; one value may stand for all, and a matrix for a kernel of 1x1. */
  #take(name: string, tensor: TensorValue | undefined): boolean {
    const { dims } = this.wanted.initializers.get(name)!;
    const size = sizeOf(dims);
    if (!tensor || !(tensor.data instanceof Float32Array)) return false;
    const wide = dims.filter((dim) => dim !== 1).join() === tensor.dims.filter((dim) => dim !== 1).join();
    if (tensor.data.length === 1 ? dims.length > 1 && size > 1 : !wide || tensor.data.length !== size) {
      this.reason = `"${name}" of the net is [${dims}], where it has [${tensor.dims}]`;
      return false;
    }
    const data = tensor.data.length === size ? tensor.data : new Float32Array(size).fill(tensor.data[0]!);
    this.tensors.set(name, { dims: [...dims], data });
    this.taken = Math.max(this.taken, this.tensors.size);
    return true;
  }

  /** Exporters drop biases of zeros, and others add them. */
  #takeBias(wanted: GraphNode, name: string, given: string | undefined): boolean {
    const tensor = this.given.initializers.get(given ?? '');
    if (name === '') {
      const zeros = tensor?.data instanceof Float32Array && tensor.data.every((value) => value === 0);
      if (given && !zeros) this.#differ(wanted, 'has one with a bias');
      return !given || zeros;
    }
    if (given) return this.#take(name, tensor);
    const { dims } = this.wanted.initializers.get(name)!;
    this.tensors.set(name, { dims: [...dims], data: new Float32Array(sizeOf(dims)) });
    return true;
  }
}

function producers({ nodes }: Graph): Map<string, GraphNode> {
  return new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
}

/** What is computed of nothing but pooled images. */
function pooledValues({ nodes, initializers }: Graph): Set<string> {
  const pooled = new Set<string>();
  for (const { op, inputs, outputs } of nodes) {
    const values = inputs.filter((name) => name !== '' && !initializers.has(name));
    if (op === 'GlobalAveragePool' || op === 'GlobalMaxPool' || values.every((name) => pooled.has(name)))
      pooled.add(outputs[0]!);
  }
  return pooled;
}

/** PyTorch's, by whatever exporter. */
function isHardSigmoid(node: GraphNode): boolean {
  const near = (name: string, fallback: number, wanted: number): boolean =>
    Math.abs(floatAttribute(node, name, fallback) - wanted) < 1e-6;
  return node.op === 'HardSigmoid' && near('alpha', 0.2, 1 / 6) && near('beta', 0.5, 0.5);
}
