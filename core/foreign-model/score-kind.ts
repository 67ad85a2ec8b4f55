import { UserError } from '../errors.ts';
import { type Graph, type GraphNode, intAttribute } from '../onnx/graph.ts';
import { constantValue } from '../onnx/operators/constants.ts';
import { OPERATORS, operatorOf } from '../onnx/operators/index.ts';

/**
 * What a classifier's output holds:
 * - `logits`: a softmax makes probabilities of them (of one score an image: a sigmoid);
 * - `probabilities` and their logarithms: of classes of which a picture shows one, so that they sum to 1;
 * - `independent`: probabilities each by itself, as of several sigmoids; `independent-logits`: before those.
 */
export const FOREIGN_SCORES = [
  ...(['logits', 'probabilities', 'log-probabilities', 'independent'] as const),
  'independent-logits',
] as const;
export type ForeignScores = (typeof FOREIGN_SCORES)[number];

/** What a graph says of its scores. */
export interface GraphVerdict {
  scores: ForeignScores | 'unknown';
  /** The operator that says so; of `unknown` the one that nothing is known of. */
  op: string;
  /** Whether what follows rounds the probabilities or leaves some out, so that they need not sum to 1. */
  loose: boolean;
}

/** Gives what it was given, but for its shape, type or a bound. */
function isSame(node: GraphNode): boolean {
  return operatorOf(node)?.moves === 'all' || ['Clip', 'NhwcToNchw', 'NchwToNhwc'].includes(node.op);
}

/** The same, and what comes out need not sum to 1 any more. */
function isLoose({ op }: GraphNode): boolean {
  // onnxruntime has some of those that round in a domain of its own.
  const moves = OPERATORS.get(op)?.moves;
  return moves === 'rounded' || moves === 'some';
}

/** What a net ends in that gives logits: sums of products, and activations without an upper bound. */
const LINEAR = new Set([
  ...['Gemm', 'MatMul', 'Conv', 'Add', 'Sub', 'Mul', 'Sum', 'Mean', 'Einsum', 'BatchNormalization', 'Relu'],
  ...['QLinearConv', 'QLinearMatMul', 'QGemm', 'QLinearAdd', 'MatMulInteger', 'ConvInteger', 'FusedConv'],
  ...['MatMulIntegerToFloat', 'DynamicQuantizeMatMul', 'FusedMatMul', 'LeakyRelu', 'PRelu', 'Neg'],
  ...['GlobalAveragePool', 'GlobalMaxPool', 'AveragePool', 'MaxPool', 'ReduceMean', 'LayerNormalization'],
]);
const FINAL: Readonly<Record<string, ForeignScores>> = {
  Softmax: 'probabilities',
  QLinearSoftmax: 'probabilities',
  Hardmax: 'probabilities',
  LogSoftmax: 'log-probabilities',
  Sigmoid: 'independent',
  HardSigmoid: 'independent',
  QLinearSigmoid: 'independent',
};

/**
 * Reads off a graph what an output holds: back from it, through what does not change the meaning, to the operator
 * that made it.
 */
export function scoresOfGraph(graph: Graph, output: string): GraphVerdict {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  /** The node that computes a value, behind what only hands it on. */
  const origin = (name: string | undefined): GraphNode | undefined => {
    for (let node = producers.get(name ?? ''); ; node = producers.get(node.inputs[0] ?? '')) {
      if (!node || !isSame(node)) return node;
    }
  };
  const isNumber = (name: string | undefined, value: number): boolean => {
    const constant = graph.initializers.get(name ?? '') ?? constantValue(producers.get(name ?? ''));
    return constant !== undefined && constant.data.length === 1 && Number(constant.data[0]) === value;
  };
  const isOne = (name: string | undefined): boolean => isNumber(name, 1);
  /** Of a multiplication with 1 or an addition of 0, as some exporters write, what it is done to. */
  const sameAsInput = ({ op, inputs: [a, b] }: GraphNode): string | undefined => {
    const neutral = op === 'Mul' || op === 'Div' ? 1 : op === 'Add' || op === 'Sub' ? 0 : undefined;
    if (neutral === undefined) return undefined;
    if (isNumber(b, neutral)) return a;
    return (op === 'Mul' || op === 'Add') && isNumber(a, neutral) ? b : undefined;
  };

  let loose = false;
  let value = output;
  for (let steps = 0; steps <= graph.nodes.length; steps++) {
    const node = producers.get(value);
    if (!node) break;
    const unchanged = sameAsInput(node);
    if (unchanged !== undefined) {
      value = unchanged;
      continue;
    }
    const verdict = FINAL[node.op] ?? written(node);
    if (verdict) return { scores: verdict, op: node.op, loose };
    if (isSame(node) || isLoose(node)) {
      if (node.op === 'Clip' && LINEAR.has(origin(node.inputs[0])?.op ?? '')) break;
      loose ||= isLoose(node);
      value = node.inputs[0] ?? '';
      continue;
    }
    return { scores: LINEAR.has(node.op) ? 'logits' : 'unknown', op: node.op, loose };
  }
  return { scores: 'unknown', op: producers.get(output)?.op ?? 'input', loose };

  /** A softmax, sigmoid or logarithm that is written out. */
  function written(node: GraphNode): ForeignScores | undefined {
    const [a, b] = [origin(node.inputs[0]), origin(node.inputs[1])];
    const isSumOf = (sum: GraphNode | undefined, terms: GraphNode | undefined): boolean =>
      (sum?.op === 'ReduceSum' || sum?.op === 'ReduceL1') &&
      terms !== undefined &&
      origin(sum.inputs[0]) === terms;
    if (node.op === 'Div' && a && isSumOf(b, a)) return 'probabilities';
    if (node.op === 'Mul' && a?.op === 'Reciprocal' && b && isSumOf(origin(a.inputs[0]), b))
      return 'probabilities';
    if (node.op === 'Mul' && b?.op === 'Reciprocal' && a && isSumOf(origin(b.inputs[0]), a))
      return 'probabilities';
    if (node.op === 'LpNormalization' && intAttribute(node, 'p', 2) === 1) return 'probabilities';
    // 1 / (1 + exp(-x))
    const onePlusExp = (sum: GraphNode | undefined): boolean =>
      sum?.op === 'Add' &&
      ((isOne(sum.inputs[0]) && origin(sum.inputs[1])?.op === 'Exp') ||
        (isOne(sum.inputs[1]) && origin(sum.inputs[0])?.op === 'Exp'));
    if (node.op === 'Reciprocal' && onePlusExp(a)) return 'independent';
    if (node.op === 'Div' && isOne(node.inputs[0]) && onePlusExp(b)) return 'independent';
    const before =
      node.op === 'Log' || node.op === 'Exp' ? scoresOfGraph(graph, node.inputs[0] ?? '') : undefined;
    if (node.op === 'Log' && before?.scores === 'probabilities') return 'log-probabilities';
    if (node.op === 'Exp' && before?.scores === 'log-probabilities') return 'probabilities';
    // x - log(sum(exp(x)))
    if (
      node.op === 'Sub' &&
      (b?.op === 'ReduceLogSumExp' || (b?.op === 'Log' && origin(b.inputs[0])?.op === 'ReduceSum'))
    ) {
      return 'log-probabilities';
    }
    return undefined;
  }
}

/** Scores may miss 0, 1 and their sum by this much: halves and bytes are rounded so. */
const ROUNDING = 0.01;

/** What a model gave for some inputs. */
export interface ProbedScores {
  /** For pictures: a row of scores each. */
  pictures: readonly (readonly number[])[];
  /**
   * For values far beyond those of pictures, where the model takes such: what is bounded stays so there, where
   * logits that happen to be small do not.
   */
  extremes: readonly (readonly number[])[];
}

/**
 * What numbers look like.
 * @throws UserError if none of them is one, or they are in another scale
 */
export function scoresOfNumbers(
  { pictures, extremes }: ProbedScores,
  source: string,
): Exclude<ForeignScores, 'independent-logits'> {
  const finite = (row: readonly number[]): boolean => row.every(Number.isFinite);
  const rows = pictures.filter(finite);
  // The logarithm of 0 is no fault.
  const isLogarithm = (row: readonly number[]): boolean =>
    row.every((value) => value <= ROUNDING) && near(sum(row.map(Math.exp)), 1);
  const all = [...rows, ...extremes.filter(finite)];
  const logarithms = [...pictures, ...extremes].filter((row) => !row.some(Number.isNaN));
  if (logarithms.length > 0 && logarithms.every(isLogarithm) && pictures[0]!.length > 1)
    return 'log-probabilities';
  if (rows.length === 0) {
    throw new UserError(
      `${source} gives no numbers (${pictures[0]?.[0]}) for any picture that was tried; are "mean" and "std" right?`,
    );
  }
  const positive = all.every((row) => row.every((value) => value >= 0));
  if (positive && all.every((row) => row.every((value) => value <= 1 + ROUNDING))) {
    return all.every((row) => near(sum(row), 1)) && rows[0]!.length > 1 ? 'probabilities' : 'independent';
  }
  const total = sum(all[0]!);
  const differ = all.some((row) => row.some((value, i) => value !== all[0]![i]));
  if (positive && differ && rows[0]!.length > 1 && all.every((row) => near(sum(row) / total, 1))) {
    throw new UserError(
      `${source} gives scores that sum to ${Number(total.toPrecision(3))} for every picture, which are neither logits nor ` +
        `probabilities; leave the multiplication at its end out, or say "scores" in its JSON file`,
    );
  }
  const isNegatedLogarithm = (row: readonly number[]): boolean =>
    near(sum(row.map((value) => Math.exp(-value))), 1);
  if (positive && differ && rows[0]!.length > 1 && all.every(isNegatedLogarithm)) {
    throw new UserError(
      `${source} gives negated logarithms of probabilities, the smallest for the best class; leave the negation at its ` +
        'end out, or name the scores before it with "output" in its JSON file',
    );
  }
  return 'logits';
}

/**
 * Whether scores may look as they do by chance: a new layer of zeros gives 0 whatever it is shown, and sigmoids of
 * that 0.5, of which two sum to 1. A softmax is told by sums that stay where they are while the scores change.
 */
function isByChance(looks: ForeignScores, { pictures, extremes }: ProbedScores): boolean {
  const rows = [...pictures, ...extremes].filter((row) => row.every(Number.isFinite));
  const change = sum(
    (rows[0] ?? []).map((_, i) => {
      const values = rows.map((row) => row[i]!);
      return Math.max(...values) - Math.min(...values);
    }),
  );
  const missed = looks === 'probabilities' ? Math.max(...rows.map((row) => Math.abs(sum(row) - 1))) : 0;
  return (looks === 'probabilities' || looks === 'independent') && change < 10 * missed + 1e-6;
}

/**
 * What the scores of a model are, by its graph and by what it gave.
 * @returns with a note, one line, where that is not beyond doubt
 * @throws UserError if it cannot be told
 */
export function decideScores(
  graph: GraphVerdict,
  probed: ProbedScores,
  source: string,
): { scores: ForeignScores; note?: string } {
  const numbers = scoresOfNumbers(probed, source);
  const classes = probed.pictures[0]!.length;
  if (classes === 1 && graph.scores === 'probabilities') {
    throw new UserError(
      `${source} has one score an image and ends in a ${graph.op} over it, which is 1 for every picture; export it without`,
    );
  }
  if (
    graph.scores === 'probabilities' &&
    classes > 1 &&
    probed.pictures.flat().every((value) => value === 1)
  ) {
    throw new UserError(
      `${source} gives 1 for every class of every picture: its ${graph.op} is over another axis than the classes'; export it again`,
    );
  }
  if (graph.scores === numbers) return { scores: numbers };
  if (graph.scores !== 'unknown' && isByChance(numbers, probed)) return { scores: graph.scores };
  // A softmax of logarithms of probabilities gives these probabilities, so nothing depends on it.
  if (graph.scores === 'logits' && numbers === 'log-probabilities') return { scores: numbers };
  if (graph.scores === 'probabilities' && numbers === 'independent' && graph.loose)
    return { scores: 'probabilities' };
  if (graph.scores === 'unknown' && numbers === 'logits') return { scores: numbers };
  // Without extremes small logits cannot be told from independent probabilities.
  const doubtful = graph.scores === 'logits' && numbers === 'independent' && probed.extremes.length === 0;
  const scores = doubtful ? 'logits' : numbers;
  const looks =
    graph.scores === 'unknown'
      ? `does not say what its scores are (${graph.op})`
      : `ends in ${graph.op}, so gives ${graph.scores}`;
  return {
    scores,
    note: `its graph ${looks}, and what it gives ${APPEARANCE[numbers]}: taken for ${scores}; "scores" in its JSON file decides`,
  };
}

const APPEARANCE: Readonly<Record<ForeignScores, string>> = {
  logits: 'is not within 0 and 1',
  probabilities: 'is within 0 and 1 and sums to 1',
  'log-probabilities': 'are logarithms of probabilities',
  independent: 'is within 0 and 1 and does not sum to 1',
  'independent-logits': '',
};

/**
 * Refuses what the JSON file says of scores where the numbers cannot be that.
 * @throws UserError
 */
export function checkGivenScores(given: ForeignScores, { pictures }: ProbedScores, source: string): void {
  const values = pictures.flat().filter((value) => !Number.isNaN(value));
  const bounded = given === 'probabilities' || given === 'independent';
  const outside = bounded
    ? values.find((value) => value < 0 || value > 1 + ROUNDING)
    : given === 'log-probabilities'
      ? values.find((value) => value > ROUNDING)
      : undefined;
  if (outside === undefined) return;
  throw new UserError(
    `${source} gives ${Number(outside.toPrecision(4))}, which is none of the ${given} that "scores" in its JSON file says; mend "scores"`,
  );
}

function near(value: number, target: number): boolean {
  return Math.abs(value - target) <= ROUNDING;
}

function sum(row: readonly number[]): number {
  return row.reduce((total, value) => total + value, 0);
}
