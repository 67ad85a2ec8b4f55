import { cleanText } from '../cli/printable.ts';
import { errorMessage, UserError } from '../errors.ts';
import { type ClassifierMetadata, encodeMetadata } from '../model-metadata.ts';
import type { Graph } from '../onnx/graph.ts';
import { decodeModel } from '../onnx/model-file.ts';
import { parseModel, serializeModel } from '../onnx/parse-model.ts';
import { Random } from '../random.ts';
import { adaptedScores, adaptModel } from './adapt-model.ts';
import { findBatchProblem, sameScores } from './batch-trial.ts';
import { checkAgreement } from './check-agreement.ts';
import { labelsFor, type ModelInterface, modelInterface, type RunnableModel } from './interface.ts';
import { keepScores } from './keep-scores.ts';
import type { Preprocessing } from './preprocessing.ts';
import {
  areWholeNumbers,
  fitQuantization,
  type GivenValues,
  inputQuantization,
  notWholeNumbers,
  type Quantization,
} from './quantized-ends.ts';
import { checkGivenScores, decideScores, type ProbedScores, scoresOfGraph } from './score-kind.ts';

/** Of a model whose input says so. */
export const ONE_BY_ONE = 'it takes one image at a time: it is run image by image';

/** A classifier of another program as one of ours. */
export interface AdaptedModel {
  bytes: Uint8Array;
  metadata: ClassifierMetadata;
  /** What its user should know of it, a line each. */
  notes: string[];
}

/**
 * Adapts a classifier of another program (see {@link adaptModel}) by what its graph says, what is given beside it,
 * and what it really gives for a few pictures: by these numbers its scores are told to be logits or probabilities
 * (see `score-kind.ts`), and whether images in one batch come out as each by itself.
 * @param open opens a model in an onnxruntime
 * @param said what is given beside it
 * @param name what to call the model, where nothing says
 * @param source what to call it in an error
 * @param assume what is taken for given once its ends are known
 * @throws UserError if it is no image classifier, onnxruntime cannot run it, or something is left open
 */
export async function adaptForeign(
  bytes: Uint8Array,
  said: Preprocessing,
  {
    name,
    source,
    open,
    assume,
  }: {
    name: string;
    source: string;
    open: (bytes: Uint8Array) => Promise<RunnableModel>;
    assume?: (plan: ModelInterface) => Preprocessing;
  },
): Promise<AdaptedModel> {
  const kept = withOneOutput(bytes, said, source);
  const { graph } = decodeModel(kept.bytes, source);
  refuseLostSums(graph, source);
  // The one output that is left, whatever the JSON file calls it.
  const { output: _, ...rest } = said;
  const plan = modelInterface(graph, rest, source);
  const given: Preprocessing = { ...assume?.(plan), ...said };
  plan.inputQuantization = givenQuantization(graph, plan, given, source);
  const normalization = normalizationOf(plan, given, source);
  const probed = await probe(adaptModel(kept.bytes, plan, {}, source), plan, {
    ...normalization,
    source,
    open,
    // As it is given, if what is read of it is among its outputs.
    original: kept.isOutput ? bytes : kept.bytes,
  });
  const { scores, notes } = decide();
  if (probed.batchProblem !== undefined) {
    plan.oneImage = true;
    notes.push(`${probed.batchProblem}, which its input does not say: it is run image by image`);
  } else if (plan.oneImage) notes.push(ONE_BY_ONE);
  const final: ModelInterface = { ...plan, scores, classes: probed.classes };
  const kind = adaptedScores(final);
  const metadata: ClassifierMetadata = {
    model: cleanText(given.name ?? name),
    dataset: cleanText(given.dataset ?? 'unknown'),
    labels: labelsFor(probed.classes, given.labels ?? kept.labels, source),
    ...normalization,
    inputLayout: 'NCHW',
    colorSpace: 'RGB',
    inputHeight: plan.height,
    inputWidth: plan.width,
    ...(kind === 'logits' ? {} : { scores: kind }),
    ...(plan.oneImage ? { oneByOne: true } : {}),
  };
  return { bytes: adaptModel(kept.bytes, final, encodeMetadata(metadata), source), metadata, notes };

  function decide() {
    const verdict = scoresOfGraph(graph, plan.output);
    if (verdict.op === 'TopK' || (verdict.op === 'ReduceMax' && probed.classes === 1)) {
      throw new UserError(
        `${source} gives the scores of the best classes alone (${verdict.op}), so that nothing says whose they are; ` +
          'name the scores before that with "output" in its JSON file',
      );
    }
    if (given.scores !== undefined) {
      checkGivenScores(given.scores, probed, source);
      return { scores: given.scores, notes: [] as string[] };
    }
    const { scores, note } = decideScores(verdict, probed, source);
    const isEach = given.multiLabel === true && scores === 'logits' && probed.classes > 1;
    return {
      scores: isEach ? ('independent-logits' as const) : scores,
      notes: note === undefined ? [] : [note],
    };
  }
}

/**
 * What several threads add to one place is lost now and then in onnxruntime 1.32
 * (findings/onnxruntime-scatternd-threads.sh).
 * @throws UserError if a ScatterND combines values at one place, or may do so
 */
function refuseLostSums(graph: Graph, source: string): void {
  for (const { op, domain, name, inputs, outputs, attributes } of graph.nodes) {
    const { reduction } = attributes;
    if (op !== 'ScatterND' || domain !== '' || reduction?.type !== 'string' || reduction.value === 'none')
      continue;
    const indices = graph.initializers.get(inputs[1]!);
    const known = indices?.dims.at(-1) ?? 0;
    const places = Array.from({ length: known === 0 ? 0 : indices!.data.length / known }, (_, i) =>
      Array.from(indices!.data.slice(i * known, (i + 1) * known), Number).join(),
    );
    if (indices && new Set(places).size === places.length) continue;
    throw new UserError(
      `${source}: its ScatterND "${name || outputs[0]}" combines values at one place (reduction "${reduction.value}"), of which onnxruntime ` +
        'loses some where several threads do it; export it with ScatterElements instead, as scatter_add gives',
    );
  }
}

function withOneOutput(
  bytes: Uint8Array,
  { output }: Preprocessing,
  source: string,
): { bytes: Uint8Array; labels?: string[]; isOutput: boolean } {
  const model = parseModel(bytes, source);
  const names = new Set((model.graph.output ?? []).map(({ name }) => name));
  const inputs = model.graph.input?.length;
  const { changed, ...labels } = keepScores(model.graph, output, source);
  const isOutput = names.has(model.graph.output![0]!.name) && model.graph.input?.length === inputs;
  return { bytes: changed ? serializeModel(model) : bytes, isOutput, ...labels };
}

/** Whether values of that type are bytes of a picture, which need no preprocessing. */
export function takesBytes(dtype: string | undefined): boolean {
  return dtype === 'uint8' || dtype === 'int32';
}

/**
 * What the whole numbers of a quantised input mean, where preprocessing gives real ones.
 * @throws UserError if it gives what the input cannot take
 */
function givenQuantization(
  graph: Graph,
  { input, inputType }: ModelInterface,
  { mean, std, scale }: Preprocessing,
  source: string,
): Quantization | undefined {
  if (!mean || !std) return undefined;
  const channels = [0, 1, 2].map((i) => ({ m: mean[i] ?? mean[0]!, s: std[i] ?? std[0]! }));
  const values = (factor: number): GivenValues => ({
    min: Math.min(...channels.map(({ m, s }) => -m / s)),
    max: Math.max(...channels.map(({ m, s }) => (255 * factor - m) / s)),
    step: factor / channels[0]!.s,
  });
  const quantization = inputQuantization(graph, input);
  if (quantization && fitQuantization(inputType, quantization, values(scale ?? 1 / 255))) return quantization;
  if (areWholeNumbers(inputType, values(scale ?? (takesBytes(inputType) ? 1 : 1 / 255)))) return undefined;
  const usual = takesBytes(inputType) && !quantization ? 1 : 1 / 255;
  throw notWholeNumbers(inputType, values(scale ?? usual), quantization, source);
}

/** Our metadata says `(v / 255 - mean) / std` in RGB order, whatever scale and order the model has. */
function normalizationOf(
  plan: ModelInterface,
  given: Preprocessing,
  source: string,
): Pick<ClassifierMetadata, 'mean' | 'std'> {
  const bytes = takesBytes(plan.inputType) && plan.inputQuantization === undefined;
  const {
    mean = bytes ? [0] : undefined,
    std = bytes ? [1] : undefined,
    scale = bytes ? 1 : 1 / 255,
  } = given;
  if (!mean || !std) {
    throw new UserError(
      `${source}: its JSON file must give "mean" and "std"; of a model that takes values from 0 to 1 they are 0 and 1`,
    );
  }
  const triple = (values: number[]): [number, number, number] => {
    const [first = 0, second = first, third = first] = values.map((value) => value / (255 * scale));
    return plan.color === 'BGR' ? [third, second, first] : [first, second, third];
  };
  return { mean: triple(mean), std: triple(std) };
}

/** Colours in 0..1 that fill a picture, beside noise. */
const COLORS = [
  ...[
    [0, 0, 0],
    [0.5, 0.5, 0.5],
    [1, 1, 1],
  ],
  ...[
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
];
/** How far beyond those of pictures values are that show whether scores are bounded. */
const EXTREMES = [-8, 30];

/** Runs a model on pictures one by one, and on several at once. */
async function probe(
  bytes: Uint8Array,
  plan: ModelInterface,
  {
    mean,
    std,
    source,
    open,
    original,
  }: Pick<ClassifierMetadata, 'mean' | 'std'> & {
    source: string;
    open: (bytes: Uint8Array) => Promise<RunnableModel>;
    original: Uint8Array;
  },
): Promise<ProbedScores & { classes: number; batchProblem?: string }> {
  const pixels = plan.height * plan.width;
  const random = new Random(1);
  const fill = (value: (channel: 0 | 1 | 2) => number): Float32Array =>
    Float32Array.from({ length: 3 * pixels }, (_, i) => {
      const channel = Math.floor(i / pixels) as 0 | 1 | 2;
      return (value(channel) - mean[channel]) / std[channel];
    });
  const noise = () => fill(() => random.integer(256) / 255);
  // Noise among the first, which are those that are tried in batches.
  const pictures = [noise(), ...COLORS.map((color) => fill((channel) => color[channel]!)), noise()];
  // Beyond its range a whole number would wrap around.
  const beyond = plan.inputType.startsWith('float')
    ? EXTREMES.map((factor) => noise().map((value) => value * factor))
    : [];
  let model: RunnableModel;
  try {
    model = await open(bytes);
  } catch (error) {
    throw new UserError(`${source}: onnxruntime does not take it: ${firstLine(error)}`);
  }
  const run = async (images: readonly Float32Array[]): Promise<number[]> => {
    const input = new Float32Array(images.length * 3 * pixels);
    for (const [i, image] of images.entries()) input.set(image, i * image.length);
    return Array.from((await model.run(input, [images.length, 3, plan.height, plan.width])).data, Number);
  };
  try {
    const rows: number[][] = [];
    for (const image of [...pictures, ...beyond]) {
      rows.push(
        await run([image]).catch((error: unknown) => {
          throw new UserError(`${source}: onnxruntime cannot run it on an image: ${whyNotRun(error)}`);
        }),
      );
    }
    const classes = rows[0]!.length;
    if (classes === 0 || (plan.classes !== undefined && classes !== plan.classes)) {
      throw new UserError(`${source} gives ${classes} scores for an image, its output says ${plan.classes}`);
    }
    if (!sameScores(await run([pictures[0]!]), rows[0]!)) {
      throw new UserError(
        `${source} gives other scores for the same picture each time, as with dropout in training mode; export it in ` +
          'evaluation mode (model.eval())',
      );
    }
    await checkAgreement(original, plan, pictures[0]!, rows[0]!, open, source);
    const result = {
      pictures: rows.slice(0, pictures.length),
      extremes: rows.slice(pictures.length),
      classes,
    };
    if (plan.oneImage) return result;
    const batchProblem = await findBatchProblem(run, pictures, rows, [2, 3]);
    return batchProblem === undefined ? result : { ...result, batchProblem };
  } finally {
    await model.close();
  }
}

/** NNCF quantises by channel what a depthwise convolution reads; onnxruntime opens that, and has no kernel for it. */
function whyNotRun(error: unknown): string {
  return /zero point must be a scalar|scale must be a scalar/.test(errorMessage(error))
    ? 'what a convolution reads is quantised by channel, as NNCF does it before depthwise ones; quantise it with one ' +
        'scale and zero point for all channels, e.g. the float32 model by export --foreign FILE --precision int8'
    : firstLine(error);
}

function firstLine(error: unknown): string {
  return errorMessage(error).split('\n')[0]!;
}
