import { UserError } from '../errors.ts';
import type { DataType, Dim, Graph, TensorData, ValueInfo } from '../onnx/graph.ts';
import type { Preprocessing } from './preprocessing.ts';
import { outputQuantization, type Quantization } from './quantized-ends.ts';
import type { ForeignScores } from './score-kind.ts';

/** How a classifier of another program is fed and read. */
export interface ModelInterface {
  input: string;
  /** Element type of the input. */
  inputType: DataType;
  /** What the whole numbers of its input mean, where it is to be given real ones; left out: bytes as they are. */
  inputQuantization?: Quantization | undefined;
  layout: 'NCHW' | 'NHWC';
  color: 'RGB' | 'BGR' | 'gray';
  height: number;
  width: number;
  /** True if the graph takes exactly one image at a time. */
  oneImage: boolean;
  output: string;
  outputType: DataType;
  /** What the whole numbers of its output mean. */
  outputQuantization?: Quantization | undefined;
  /** Whether the output is a matrix, [batch, classes]. */
  isMatrix: boolean;
  /** What the output holds; undefined: as it comes. */
  scores?: ForeignScores;
  /** Scores an image; undefined where the graph does not say. */
  classes: number | undefined;
}

const INPUT_TYPES: readonly DataType[] = ['float32', 'float16', 'float64', 'uint8', 'int8', 'int32'];
const OUTPUT_TYPES: readonly DataType[] = ['float32', 'float16', 'float64', 'uint8', 'int8'];

/**
 * Reads a classifier's inputs and outputs off its graph, and what the graph leaves open off its preprocessing.
 * @param source what to call the model in an error
 * @throws UserError if it is no image classifier, or something is left open or said otherwise in both
 */
export function modelInterface(graph: Graph, given: Preprocessing, source: string): ModelInterface {
  const input = choose(graph.inputs, given.input, 'input', source);
  if (graph.inputs.length > 1) {
    const others = graph.inputs.filter((value) => value !== input).map(({ name }) => `"${name}"`);
    throw new UserError(`${source} takes more than an image: it also needs ${others.join(', ')}`);
  }
  const output = choose(graph.outputs, given.output, 'output', source);
  requireType(input, INPUT_TYPES, source);
  requireType(
    output,
    OUTPUT_TYPES,
    source,
    '; if the graph has the scores before it, name them with "output" in its JSON file',
  );
  const isQuantized = output.dtype === 'uint8' || output.dtype === 'int8';
  const quantization = isQuantized ? outputQuantization(graph, output.name) : undefined;
  if (isQuantized && !quantization) {
    throw new UserError(
      `${source}: its output "${output.name}" is ${output.dtype}, and no QuantizeLinear says what its numbers mean; ` +
        'export it with scores of float32',
    );
  }
  const shape = imageShape(input, given, source);
  return {
    input: input.name,
    inputType: input.dtype,
    outputQuantization: quantization,
    ...shape,
    output: output.name,
    outputType: output.dtype,
    isMatrix: output.dims.length === 2,
    classes: classesOf(output, shape.oneImage),
  };
}

function choose(
  values: ValueInfo[],
  name: string | undefined,
  what: 'input' | 'output',
  source: string,
): ValueInfo {
  const found = name === undefined ? values[0] : values.find((value) => value.name === name);
  const names = values.map((value) => `"${value.name}"`).join(', ');
  if (!found) {
    throw new UserError(`${source} has no ${what}${name === undefined ? '' : ` "${name}"; it has ${names}`}`);
  }
  if (name === undefined && values.length > 1) {
    throw new UserError(
      `${source} has the ${what}s ${names}; say which is meant with "${what}" in its JSON file`,
    );
  }
  return found;
}

function requireType(
  { name, dtype }: ValueInfo,
  types: readonly DataType[],
  source: string,
  hint = '',
): void {
  if (types.includes(dtype)) return;
  throw new UserError(
    `${source}: "${name}" is of type ${dtype}, a classifier of images has ${types.join(', ')}${hint}`,
  );
}

function imageShape({ name, dims }: ValueInfo, given: Preprocessing, source: string) {
  const fail = (problem: string) =>
    new UserError(`${source}: its input "${name}", [${dims.join(', ')}], ${problem}`);
  // Without any dimensions the exporter left the shape out.
  if (dims.length !== 4 && dims.length !== 0) throw fail('is no batch of images: that has 4 dimensions');
  const isChannels = (dim: Dim | undefined): boolean => dim === 3 || dim === 1;
  const layout = given.layout ?? (isChannels(dims[3]) && !isChannels(dims[1]) ? 'NHWC' : 'NCHW');
  const [channels, h, w] = layout === 'NCHW' ? [dims[1], dims[2], dims[3]] : [dims[3], dims[1], dims[2]];
  const color = given.color ?? (channels === 1 ? 'gray' : 'RGB');
  const expected = color === 'gray' ? 1 : 3;
  if (typeof channels === 'number' && channels !== expected) {
    throw fail(`has ${channels} channels as ${layout}, ${color} images have ${expected}`);
  }
  const [batch] = dims;
  if (typeof batch === 'number' && batch !== 1) {
    throw fail(
      `takes ${batch} images exactly; export it for any batch size (dynamic_axes or dynamic_shapes)`,
    );
  }
  const size = (dim: Dim | undefined, axis: 0 | 1): number => {
    const own = typeof dim === 'number' ? dim : given.size?.[axis];
    if (own === undefined) throw fail('takes images of any size; say which with "size" in its JSON file');
    if (given.size !== undefined && given.size[axis] !== own) {
      throw fail(`has another size than the "size" in its JSON file, ${given.size.join(' x ')}`);
    }
    return own;
  };
  return { layout, color, height: size(h, 0), width: size(w, 1), oneImage: batch === 1 } as const;
}

function classesOf({ dims }: ValueInfo, oneImage: boolean): number | undefined {
  // Of one image the batch may be left out too.
  const perImage = dims.length === 1 && oneImage ? dims : dims.slice(1);
  if (dims.length === 0 || perImage.some((dim) => typeof dim !== 'number')) return undefined;
  return perImage.reduce<number>((product, dim) => product * Number(dim), 1);
}

/**
 * The names of the classes. One score an image is that of the second of two: the first is its absence.
 * @param scores an image
 * @throws UserError if there are names for another number of classes
 */
export function labelsFor(scores: number, labels: string[] | undefined, source: string): string[] {
  const classes = scores === 1 ? 2 : scores;
  if (!labels) return Array.from({ length: classes }, (_, index) => String(index));
  if (scores === 1 && labels.length === 1) return [`not ${labels[0]}`, ...labels];
  if (labels.length === classes) return labels;
  throw new UserError(
    scores === 1
      ? `${source} has one score an image, so two labels (or one), but there are ${labels.length}`
      : `${source} has ${scores} scores an image, but there are ${labels.length} labels`,
  );
}

/** A model that is open in some onnxruntime. */
export interface RunnableModel {
  /**
   * @param images [n, 3, height, width] of float32, for the input `input`, unless `ends` says otherwise
   * @param ends names of input and output, and the type of elements; default those of the models that we make
   * @returns what its output `logits` is
   */
  run(
    images: TensorData,
    dims: readonly number[],
    ends?: ModelEnds,
  ): Promise<{ data: TensorData; dims: readonly number[] }>;
  close(): Promise<void>;
}

export interface ModelEnds {
  input: string;
  inputType: DataType;
  output: string;
}

/** The ends of the models that we make. */
export const OWN_ENDS: ModelEnds = { input: 'input', inputType: 'float32', output: 'logits' };
