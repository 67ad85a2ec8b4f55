import type { onnx as Onnx } from 'onnx-proto';
import { UserError } from '../errors.ts';
import type { ScoreKind } from '../metrics/scores.ts';
import { isOwnKey } from '../model-metadata.ts';
import { parseModel, serializeModel } from '../onnx/parse-model.ts';
import { renameValues, valueNames } from '../onnx/rename-values.ts';
import { sortNodes } from '../onnx/sort-nodes.ts';
import type { ModelInterface } from './interface.ts';
import {
  add,
  cast,
  chain,
  forEach,
  forEachByLoop,
  matrix,
  mixChannels,
  pickChannels,
  quantize,
  reshape,
  type Step,
  transpose,
  valueInfo,
} from './proto-ops.ts';

/** The first operator set that broadcasts as today's do, and the first that onnxruntime promises to run. */
const MIN_OPSET = 7;
/** Those from which on operators are as we write them. */
const SCAN_OPSET = 9;
const ROUND_OPSET = 11;
/** Red, green and blue in grey, ITU-R 601, as Pillow converts to "L". */
const LUMA = [0.299, 0.587, 0.114];

/**
 * Rewrites a classifier of another program to the contract of our model files: one input `input`, float32
 * [batch, 3, height, width] in RGB order, and one output `logits`, float32 [batch, classes]. Its own graph is
 * kept as it is, with its operator sets; where its input or output differ, nodes are put before or after it:
 * - another layout, order of channels or element type, or grey images: see {@link inputSteps};
 * - a batch of exactly one: the graph becomes the body of a Scan over the batch, or of a Loop in old operator sets;
 * - probabilities: their logarithms; one score an image: that of two classes. See {@link adaptedScores}.
 * @param metadata put into the model's `metadata_props`
 * @throws UserError if its operator set is too old for such nodes
 */
export function adaptModel(
  bytes: Uint8Array,
  plan: ModelInterface,
  metadata: Readonly<Record<string, string>>,
  source: string,
): Uint8Array {
  const model = parseModel(bytes, source);
  sortNodes(model.graph, source);
  const fresh = freshNames(valueNames(model.graph));
  const opset = Number(model.opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx')?.version ?? 1);
  const before = inputSteps(plan, opset);
  const after = outputSteps(plan);
  const wrapped = before.length > 0 || after.length > 0 || plan.oneImage;
  if (wrapped && opset < MIN_OPSET) {
    throw new UserError(`${source} is of opset ${opset}; export it again with ${MIN_OPSET} or later`);
  }
  const input = before.length > 0 || plan.oneImage ? fresh('model_input') : 'input';
  const output = after.length > 0 || plan.oneImage ? fresh('model_output') : 'logits';
  const names = new Map(['input', 'logits'].map((name) => [name, fresh(`model_${name}`)]));
  renameValues(model.graph, names.set(plan.input, input).set(plan.output, output));

  // From IR 4 on the initializers need not be among the inputs too.
  model.irVersion = Math.max(Number(model.irVersion), 4);
  const ends = { input, output };
  const each = opset < SCAN_OPSET ? forEachByLoop : forEach;
  const inner = plan.oneImage
    ? chain([each(oneImageBody(model.graph, plan, before, ends, fresh)), ...after], 'input', 'logits', fresh)
    : join(chain(before, 'input', input, fresh), model.graph, chain(after, output, 'logits', fresh));
  const graph: Onnx.IGraphProto = {
    ...(plan.oneImage ? { name: model.graph.name ?? '' } : model.graph),
    ...inner,
    input: [valueInfo('input', 'float32', ['batch', 3, plan.height, plan.width])],
    output: [valueInfo('logits', 'float32', ['batch', adaptedClasses(plan)])],
  };
  const metadataProps = [
    ...model.metadataProps.filter(({ key }) => !isOwnKey(key ?? '')),
    ...Object.entries(metadata).map(([key, value]) => ({ key, value })),
  ];
  return serializeModel({ ...model, graph, metadataProps });
}

/** From [batch, 3, height, width] float32 RGB to what the model takes. */
function inputSteps({ color, inputType, inputQuantization, layout }: ModelInterface, opset: number): Step[] {
  const steps: Step[] = [];
  if (color === 'gray') steps.push(mixChannels(LUMA));
  if (color === 'BGR') steps.push(pickChannels([2, 1, 0]));
  if (inputQuantization) {
    steps.push(quantize('QuantizeLinear', inputType as 'uint8' | 'int8', inputQuantization));
  } else {
    // A byte went through a division and a multiplication, and Cast cuts off what it misses by.
    const isWhole = inputType === 'uint8' || inputType === 'int8' || inputType === 'int32';
    if (isWhole) steps.push(...(opset < ROUND_OPSET ? [add([0.5]), { op: 'Floor' }] : [{ op: 'Round' }]));
    if (inputType !== 'float32') steps.push(cast(inputType));
  }
  if (layout === 'NHWC') steps.push(transpose([0, 2, 3, 1]));
  return steps;
}

/** Nothing a float32 can tell from 0 when it is added to a probability, and 0 gets a logarithm. */
const TINY = 1e-37;

/**
 * From what the model gives to [batch, classes] float32 scores as {@link adaptedScores} has them. Every step is in
 * all operator sets the same.
 */
function outputSteps(plan: ModelInterface): Step[] {
  const { outputType, outputQuantization, scores, isMatrix, oneImage, classes } = plan;
  const steps: Step[] = [];
  if (outputQuantization) {
    steps.push(quantize('DequantizeLinear', outputType as 'uint8' | 'int8', outputQuantization));
  } else if (outputType !== 'float32') steps.push(cast('float32'));
  if (!isMatrix && !oneImage) steps.push({ op: 'Flatten' });
  if (scores === undefined) return steps;
  const isOne = classes === 1;
  if (scores === 'logits') return isOne ? [...steps, matrix([1, 2], [0, 1])] : steps;
  // What is infinite as a logarithm is not as a probability.
  if (scores === 'log-probabilities') steps.push({ op: 'Exp' });
  if (scores === 'independent-logits') steps.push({ op: 'Sigmoid' });
  if (isOne) steps.push(matrix([1, 2], [-1, 1]), add([1, 0]));
  steps.push(add([TINY]), { op: 'Log' });
  return steps;
}

/** What the scores of the adapted model are; one score an image becomes those of two classes. */
export function adaptedScores({ scores, classes }: ModelInterface): ScoreKind {
  if (scores === undefined || scores === 'logits') return 'logits';
  if (classes === 1) return 'log-probabilities';
  return scores === 'independent' || scores === 'independent-logits' ? 'independent' : 'log-probabilities';
}

function adaptedClasses({ scores, classes }: ModelInterface): number | string {
  if (classes === undefined) return 'classes';
  return classes === 1 && scores !== undefined ? 2 : classes;
}

/** A graph that takes a batch of one, as a body that takes a float32 RGB image without a batch. */
function oneImageBody(
  graph: Onnx.IGraphProto,
  { height, width, outputType, classes }: ModelInterface,
  before: readonly Step[],
  ends: { input: string; output: string },
  fresh: (hint: string) => string,
): Onnx.IGraphProto {
  const image = fresh('image');
  const scores = fresh('image_scores');
  return {
    ...graph,
    name: graph.name || 'one_image',
    ...join(
      chain([reshape([1, 3, height, width]), ...before], image, ends.input, fresh),
      graph,
      chain([reshape([-1])], ends.output, scores, fresh),
    ),
    input: [valueInfo(image, 'float32', [3, height, width])],
    output: [valueInfo(scores, outputType, [classes ?? 'classes'])],
  };
}

export function join(...parts: Onnx.IGraphProto[]): Required<Pick<Onnx.IGraphProto, 'node' | 'initializer'>> {
  return {
    node: parts.flatMap(({ node }) => node ?? []),
    initializer: parts.flatMap(({ initializer }) => initializer ?? []),
  };
}

/** Gives names that are neither in use nor given before. */
export function freshNames(
  used: Set<string>,
  reserved: readonly string[] = ['input', 'logits'],
): (hint: string) => string {
  for (const name of reserved) used.add(name);
  return (hint) => {
    let name = hint;
    for (let i = 1; used.has(name); i++) name = `${hint}_${i}`;
    used.add(name);
    return name;
  };
}
