import { UserError } from '../errors.ts';
import { buildModel, MODEL_NAMES, withImageNetStem } from '../models/zoo.ts';
import type { Graph } from '../onnx/graph.ts';
import { foldBatchNorm } from '../onnx/passes/fold-batch-norm.ts';
import { initializerRoles } from '../onnx/roles.ts';
import { classifierName, type FamilyName, familyOf, isOfNet } from './names.ts';
import type { TensorFile } from './safetensors.ts';

export interface FitOptions {
  /** A model of the zoo; left out: found by the tensors' names and shapes. */
  model?: string | undefined;
  /** Pixels; default what the model is usually fed with. */
  imageSize?: number | undefined;
  /** Tensors that the file has but that could not be read, and why. */
  left?: ReadonlyMap<string, string> | undefined;
}

/** A zoo model with weights. */
export interface FittedModel {
  model: string;
  graph: Graph;
  /** True if the weights had batch norm folded in: the graph then has convs with biases and no batch norm. */
  folded: boolean;
  /** Tensors that are not of the net, which are in no way like a part of it; left out. */
  beside: string[];
}

/**
 * Builds the zoo model that tensors are of, with their values. Every parameter and running statistic must be
 * there in its shape, and no other tensor that may be of the net; what else lies beside, as a loss's weights, is
 * left out.
 * @throws UserError saying what is missing, unexpected or of another shape
 */
export function fitModel(all: TensorFile['tensors'], source: string, options: FitOptions = {}): FittedModel {
  const family = familyOf([...all.keys()]);
  const tensors = new Map([...all].filter(([name]) => isOfNet(name, family)));
  const beside = [...all.keys()].filter((name) => !tensors.has(name));
  const numClasses = classCount(all, source, options.left);
  // Batch norm is in every net of the zoo, unless it was folded.
  const folded = ![...tensors.keys()].some((name) => name.endsWith('.running_mean'));
  const graphOf = (model: string, classes = numClasses): Graph => {
    const built = buildModel(model, { numClasses: classes, imageSize: options.imageSize });
    return folded ? foldBatchNorm(built) : built;
  };
  const { model: named } = options;
  const candidates =
    named === undefined
      ? candidateModels(tensors, family)
      : // A ResNet is called the same whatever its stem.
        [named, withImageNetStem(named)].filter((model, at) => at === 0 || MODEL_NAMES.includes(model));
  let reason: string | undefined;
  for (const model of candidates) {
    const graph = graphOf(model);
    const difference = compare(graph, tensors, options.left);
    if (difference === undefined) return { model, graph: withTensors(graph, tensors), folded, beside };
    reason ??= `${source} does not fit ${model}: ${difference}`;
  }
  throw new UserError(reason ?? noCandidate(all, graphOf, source));
}

/** Says how the tensors differ from the model that they are most like. */
function noCandidate(
  tensors: TensorFile['tensors'],
  graphOf: (model: string, classes?: number) => Graph,
  source: string,
): string {
  let nearest: { model: string; shared: number } | undefined;
  for (const model of MODEL_NAMES) {
    // The names are those of any number of classes.
    const names = tensorNames(graphOf(model, 1));
    const shared = names.filter((name) => tensors.has(name)).length / Math.max(names.length, tensors.size);
    if (!nearest || shared > nearest.shared) nearest = { model, shared };
  }
  const { model, shared } = nearest!;
  const why =
    shared > 0.5
      ? `it is most like ${model}, but ${compare(graphOf(model), tensors)}`
      : `its ${tensors.size} tensors are ${someNames([...tensors.keys()])}`;
  return `${source} is of no net that is known here (npm run train -- --help names them): ${why}; ${OTHER_NETS}`;
}

/** What to do with the weights of any other net: a file of weights does not say what is computed with them. */
const OTHER_NETS =
  'of any other write ONNX in Python, torch.onnx.export(model, ...), which is served, tested and trained further as it is';

function tensorNames(graph: Graph): string[] {
  const { parameters, buffers } = initializerRoles(graph);
  return [...parameters, ...buffers];
}

/** What keeps tensors from being those of a graph; undefined if nothing does. */
function compare(
  graph: Graph,
  tensors: TensorFile['tensors'],
  left: ReadonlyMap<string, string> = new Map(),
): string | undefined {
  const wanted = new Set(tensorNames(graph));
  const missing = [...wanted].filter((name) => !tensors.has(name));
  const unexpected = [...tensors.keys()].filter((name) => !wanted.has(name));
  const problems: string[] = [];
  if (missing.length > 0) problems.push(`it lacks ${someNames(missing)}`);
  const unread = missing.find((name) => left.has(name));
  if (unread !== undefined) problems.push(`"${unread}" is ${left.get(unread)}, which is not read`);
  if (unexpected.length > 0) problems.push(`it has ${someNames(unexpected)}, which the model has not`);
  for (const name of wanted) {
    const expected = graph.initializers.get(name)!.dims;
    const dims = tensors.get(name)?.dims;
    if (!dims || dims.join() === expected.join()) continue;
    problems.push(`"${name}" is [${dims}], the model needs [${expected}]`);
    break;
  }
  return problems.length > 0 ? problems.join('; ') : undefined;
}

function withTensors(graph: Graph, tensors: TensorFile['tensors']): Graph {
  const initializers = new Map(graph.initializers);
  for (const [name, { dims, data }] of tensors) {
    initializers.set(name, { dtype: 'float32', dims: [...dims], data });
  }
  return { ...graph, initializers };
}

/**
 * Which models of the zoo may have these tensors, by counting layers: of all nets one or two are left, and
 * only those need to be built to compare shapes.
 * @returns names, perhaps none, the likeliest first
 */
function candidateModels(tensors: TensorFile['tensors'], family: FamilyName): string[] {
  if (family !== 'resnet') {
    const convs = [...tensors.values()].filter(({ dims }) => dims.length === 4).length;
    return MODEL_NAMES.filter((name) => name.startsWith(family))
      .map((name) => ({ ...buildModel(name, { numClasses: 1 }), name }))
      .filter(({ nodes }) => nodes.filter(({ op }) => op === 'Conv').length === convs)
      .map(({ name, initializers }) => ({
        name,
        // Nets of one family may differ in their widths alone.
        shared: [...initializers].filter(([key, { dims }]) => tensors.get(key)?.dims.join() === dims.join())
          .length,
      }))
      .sort((a, b) => b.shared - a.shared)
      .map(({ name }) => name);
  }
  // As He et al. count: convs and the classifier, shortcuts and squeeze-and-excitation left out.
  const convs = [...tensors].filter(
    ([name, { dims }]) => dims.length === 4 && /^(layer\d+\.\d+\.)?conv\d+\.weight$/.test(name),
  );
  const layers = convs.length + 1;
  const excited = [...tensors.keys()].some((name) => name.includes('.se.'));
  const largeStem = tensors.get('conv1.weight')?.dims[2] === 7;
  return MODEL_NAMES.filter((name) => {
    const [, se, counted, stem] = /^(se_)?resnet(\d+)\w*(-imagenet)?$/.exec(name) ?? [];
    return Number(counted) === layers && (se !== undefined) === excited && (stem !== undefined) === largeStem;
  });
}

/** Labels are stored in 16 bits. It also keeps a malformed shape from claiming memory. */
const MAX_CLASSES = 65_536;

/**
 * The number of classes, read off the classifier.
 * @param left tensors that could not be read, and what they are
 * @throws UserError if there is no classifier
 */
export function classCount(
  tensors: TensorFile['tensors'],
  source: string,
  left: ReadonlyMap<string, string> = new Map(),
): number {
  const name = classifierName(tensors, familyOf([...tensors.keys()]));
  const [classes, ...rest] = tensors.get(name)?.dims ?? [];
  if (classes === undefined || classes < 1 || classes > MAX_CLASSES || rest.length !== 1) {
    const unread = left.get(name);
    if (unread !== undefined) {
      throw new UserError(`${source}: its classifier "${name}" is ${unread}, which is not read`);
    }
    const [other] = [...tensors].filter(([, { dims }]) => dims.length === 2).at(-1) ?? [];
    const hint = other === undefined || other === name ? '' : ` (its last matrix is "${other}")`;
    throw new UserError(
      `${source} is of no net that is known here: it has no classifier "${name}" of [classes, features]${hint}; ` +
        `its tensors are ${someNames([...tensors.keys()])}; ${OTHER_NETS}`,
    );
  }
  return classes;
}

/** The first few of a list of names, and how many more there are. */
function someNames(names: readonly string[], count = 3): string {
  const shown = names.slice(0, count).map((name) => JSON.stringify(name));
  const more = names.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
