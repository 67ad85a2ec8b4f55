import { UserError } from '../../core/errors.ts';
import {
  type DataType,
  type Dim,
  type Graph,
  type GraphNode,
  int64Tensor,
  type TensorValue,
} from '../../core/onnx/graph.ts';
import { fixBatch } from '../../core/onnx/passes/fix-batch.ts';
import { recognizeGelu } from '../../core/onnx/passes/recognize-gelu.ts';
import { inferKnownValues, inferShapes, inferTypes } from '../../core/onnx/shape-inference.ts';
import { type Mode, type Rule, TrainedNode } from './rule.ts';
import { RULES } from './rules.ts';
import {
  type BufferUpdate,
  type ClassifierStep,
  TRAINING,
  type TrainingGraph,
  TrainingGraphBuilder,
  type Value,
} from './training-graph.ts';

export interface StepOptions {
  batchSize: number;
  /** Initializers to differentiate by. */
  parameters: readonly string[];
  /** Initializers that training updates by what batches show: running statistics. */
  buffers: readonly string[];
  /** Multiply the gradient by an input []; default false. */
  lossScale?: boolean;
  /** Whether batches normalise and update running statistics, or those are constants; default `train`. */
  batchNorm?: Mode['batchNorm'] | undefined;
  /** Whether Dropout drops, by an input [] that is the number of the step; default false. */
  dropout?: boolean | undefined;
}

/**
 * A classifier's training step up to the gradient: forward, softmax cross-entropy with the targets, an input
 * [batch, classes], averaged over the batch, and backward.
 * @param model its first input is the images, its first output the logits [batch, classes]
 * @throws UserError if an operator has no training rule, or the rule does not cover how the model uses it
 */
export function differentiateClassifier(model: Graph, options: StepOptions): ClassifierStep {
  const { batchSize, parameters, buffers, lossScale = false } = options;
  const tape = new Tape(fixBatch(model, batchSize), parameters, buffers, options);
  const { builder: g } = tape;
  const output = model.outputs[0]!.name;
  const logits = tape.value(output);
  const targets = g.input(g.graphBuilder.unique('targets'), logits.dims);
  const [loss, logProbabilities] = crossEntropy(g, logits, targets);
  g.output(loss, logits);
  const scale = lossScale ? g.input(g.graphBuilder.unique('loss_scale'), []) : undefined;
  const training = tape.backward(() => {
    const inputs = [logProbabilities, targets];
    const seed = g.node('SoftmaxCrossEntropyGrad', inputs, logits.dims, {}, { domain: TRAINING });
    return new Map([[output, scale ? g.mul(seed, scale) : seed]]);
  }, parameters);
  return {
    ...training,
    images: model.inputs[0]!.name,
    targets: targets.name,
    ...(scale ? { lossScale: scale.name } : {}),
    ...(tape.step ? { dropoutStep: tape.step.name } : {}),
    loss: loss.name,
    logits: logits.name,
  };
}

/**
 * A graph's gradient with respect to any of its inputs and initializers, for given gradients of its outputs, which
 * are the inputs `seed.<output>`; with dropout, the number of the step is the input `step`.
 * @param model every size of its inputs is known
 */
export function differentiate(
  model: Graph,
  wanted: readonly string[],
  buffers: readonly string[] = [],
  options: Pick<StepOptions, 'batchNorm' | 'dropout'> = {},
): TrainingGraph {
  const tape = new Tape(model, wanted, buffers, options);
  const { builder: g } = tape;
  g.output(...model.outputs.map(({ name }) => tape.value(name)));
  const seed = (name: string) => g.input(`seed.${name}`, tape.value(name).dims);
  return tape.backward(() => new Map(model.outputs.map(({ name }) => [name, seed(name)])), wanted);
}

/**
 * Softmax cross-entropy of logits [N, K] with target distributions [N, K] (one-hot, smoothed or mixed), averaged over
 * the batch as PyTorch's CrossEntropyLoss does.
 */
function crossEntropy(g: TrainingGraphBuilder, logits: Value, targets: Value): readonly [Value, Value] {
  if (logits.dims.length !== 2) {
    throw new UserError(
      `the model's output "${logits.name}" has shape [${logits.dims}]; to be trained it must be [batch, classes]`,
    );
  }
  const outputs = [[], logits.dims] as const;
  return g.nodes('SoftmaxCrossEntropy', [logits, targets], outputs, {}, { domain: TRAINING });
}

/**
 * The sum of values that lie between zeros, where they are those of an axis one after another, as the gradients of all
 * the slices of a value are: one pass over memory instead of two for each.
 */
function joined(g: TrainingGraphBuilder, placed: readonly Value[]): Value | undefined {
  const [first] = placed;
  if (!first || placed.length === 1) return undefined;
  const inner = placed.map((value) => g.placedIn(value)!);
  const axes = first.dims.flatMap((dim, axis) => (inner[0]!.value.dims[axis] === dim ? [] : [axis]));
  const [axis = 0] = axes;
  const inOrder = inner.toSorted((a, b) => a.before[axis]! - b.before[axis]!);
  let end = 0;
  for (const { value, before } of inOrder) {
    const fits = value.dims.every((dim, other) => other === axis || dim === first.dims[other]);
    if (!fits || before[axis] !== end) return undefined;
    end += value.dims[axis]!;
  }
  return end === first.dims[axis]
    ? g.concat(
        inOrder.map(({ value }) => value),
        axis,
      )
    : undefined;
}

/**
 * Reverse-mode differentiation of an ONNX graph (Griewank and Walther, "Evaluating Derivatives", 2008, chapter 3):
 * the forward nodes through their rules, then the rules' gradients in reverse.
 */
export class Tape {
  readonly builder: TrainingGraphBuilder;
  readonly bufferUpdates = new Map<string, BufferUpdate>();
  /** The input that is the number of the step, if there is dropout. */
  readonly step: Value | undefined;
  readonly #mode: Mode;
  /** Values of the model as they are in the training graph. */
  readonly #values = new Map<string, Value>();
  /** Values of the model that gradients are wanted for: a parameter, or what depends on one. */
  readonly #wanted: Set<string>;
  readonly #outputs: readonly string[];
  /** Inputs and initializers of the model. */
  readonly #stored: ReadonlySet<string>;
  readonly #nodes: { rule: Rule; trained: TrainedNode }[] = [];

  /**
   * Emits the forward pass.
   * @param model its batch is fixed
   * @param wanted inputs and initializers that gradients are wanted for
   * @param buffers initializers that are inputs of the training graph, as what is wanted is
   * @throws UserError if an operator has no training rule
   */
  constructor(
    model: Graph,
    wanted: readonly string[],
    buffers: readonly string[],
    { batchNorm = 'train', dropout = false }: Pick<StepOptions, 'batchNorm' | 'dropout'> = {},
  ) {
    const nodes = neededNodes(
      recognizeGelu(model).nodes,
      model.outputs.map(({ name }) => name),
    );
    this.#outputs = model.outputs.map(({ name }) => name);
    this.#stored = new Set([...model.inputs.map(({ name }) => name), ...model.initializers.keys()]);
    // Before anything else: an operator that cannot be trained is the first thing to say.
    this.#wanted = dependents(nodes, wanted, inferTypes(model));
    const rules = nodes.map((node) => this.#ruleOf(node));
    const g = new TrainingGraphBuilder(model.name);
    this.builder = g;
    const shapes = inferShapes(model);
    // Sizes that are computed of the batch's are known as well, now that it is.
    const { ints } = inferKnownValues(model);
    const constants = new Map([...model.initializers, ...knownInts(ints)]);
    for (const node of nodes) for (const name of node.outputs) g.graphBuilder.unique(name);
    const given = new Set([...wanted, ...buffers]);
    for (const { name, dims, dtype } of model.inputs)
      this.#values.set(name, g.input(name, dims.map(Number), dtype));
    for (const [name, tensor] of model.initializers) {
      const value = given.has(name) ? g.input(name, tensor.dims) : g.initializer(name, tensor);
      this.#values.set(name, value);
    }
    const drops = dropout && nodes.some(({ op, domain }) => op === 'Dropout' && domain === '');
    this.step = drops ? g.input(g.graphBuilder.unique('step'), []) : undefined;
    this.#mode = { batchNorm, step: this.step };
    for (const [i, node] of nodes.entries()) {
      const [name = ''] = node.outputs;
      const shape = shapes.get(name);
      const known = ints.get(name);
      if (known?.every((value) => typeof value === 'number') && shape?.dtype === 'int64') {
        this.#values.set(name, g.integers(known, shape.dims.map(Number)));
      } else this.#forward(node, i, rules[i], shapes, constants);
    }
  }

  /** The training graph's value for one of the model. */
  value(name: string): Value {
    const value = this.#values.get(name);
    if (!value) throw new Error(`the forward value "${name}" is read before it is computed`);
    return value;
  }

  /**
   * Emits the backward pass.
   * @param seeds emits the loss's gradient with respect to values of the model, usually the logits alone
   * @param targets what the gradients are wanted of
   * @throws UserError if the loss does not depend on one of them
   */
  backward(seeds: () => ReadonlyMap<string, Value>, targets: readonly string[]): TrainingGraph {
    const g = this.builder;
    const backwardFrom = g.graph.nodes.length;
    const gradientOf = new Map<string, string>();
    const gradients = new Map<string, Value>();
    /** Parts of gradients with zeros around them, which may make up a whole. */
    const parts = new Map<string, Value[]>();
    const add = (name: string, gradient: Value) => {
      const known = gradients.get(name);
      const sum = known ? g.add(known, gradient) : gradient;
      gradients.set(name, sum);
      const { name: of } = this.value(name);
      for (const { name } of [gradient, sum]) if (!gradientOf.has(name)) gradientOf.set(name, of);
    };
    const accumulate = (name: string, gradient: Value) => {
      const { dims } = this.value(name);
      if (gradient.dims.join() !== dims.join()) {
        throw new Error(`the gradient of "${name}" has shape [${gradient.dims}], the value [${dims}]`);
      }
      if (g.placedIn(gradient)) parts.set(name, [...(parts.get(name) ?? []), gradient]);
      else add(name, gradient);
    };
    const gradientFor = (name: string): Value | undefined => {
      const placed = parts.get(name) ?? [];
      parts.delete(name);
      const whole = joined(g, placed);
      for (const part of whole ? [whole] : placed) add(name, part);
      return gradients.get(name);
    };
    for (const [name, gradient] of seeds()) accumulate(name, gradient);
    for (const { rule, trained } of this.#nodes.toReversed()) {
      const { node } = trained;
      const dy = node.outputs.map(gradientFor);
      if (dy.every((gradient) => gradient === undefined)) continue;
      const all = dy.map((gradient, i) => gradient ?? g.zeros(trained.outputs[i]!.dims));
      for (const [i, gradient] of rule.backward(g, trained, all).entries()) {
        if (gradient && trained.needs(i)) accumulate(node.inputs[i]!, gradient);
      }
    }
    const found = targets.map((name): [string, string] => {
      const gradient = gradientFor(name);
      if (!gradient) throw new UserError(`the loss does not depend on "${name}", so it cannot be trained`);
      return [name, gradient.name];
    });
    for (const name of targets) g.output(gradients.get(name)!);
    const { bufferUpdates } = this;
    for (const { observed } of bufferUpdates.values()) g.output(g.values.get(observed)!);
    // What only said how large something is has been answered.
    const kept = new Set(
      neededNodes(
        g.graph.nodes,
        g.graph.outputs.map(({ name }) => name),
      ),
    );
    const forward = g.graph.nodes.slice(0, backwardFrom).filter((node) => kept.has(node));
    g.graph.nodes = [...forward, ...g.graph.nodes.slice(backwardFrom).filter((node) => kept.has(node))];
    return {
      graph: g.graph,
      values: g.values,
      outputs: new Map(this.#outputs.map((name) => [name, this.value(name).name])),
      backwardFrom: forward.length,
      gradients: new Map(found),
      gradientOf,
      bufferUpdates,
    };
  }

  /** Undefined where no gradient passes: the node is then run as it is. */
  #ruleOf(node: GraphNode): Rule | undefined {
    const rule = node.domain === '' ? RULES.get(node.op) : undefined;
    if (rule) return rule;
    if (!node.outputs.some((name) => this.#wanted.has(name))) return undefined;
    const op = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
    throw new UserError(
      `the operator ${op} (node "${node.name || node.outputs[0]}") cannot be trained: export the model without it, ` +
        `or train only weights that come after it`,
    );
  }

  #forward(
    node: GraphNode,
    position: number,
    rule: Rule | undefined,
    shapes: ReturnType<typeof inferShapes>,
    constants: ReadonlyMap<string, TensorValue>,
  ): void {
    const g = this.builder;
    const inputs = node.inputs.map((name) => (name === '' ? undefined : this.value(name)));
    const outputs = node.outputs.map((name): Value => {
      const shape = shapes.get(name);
      return { name, dims: (shape?.dims ?? []).map(Number), dtype: shape?.dtype ?? 'float32' };
    });
    const observe = (index: number, { name }: Value, momentum: number) => {
      const of = node.inputs[index]!;
      // What is computed, as the statistics of a weight are, is not kept from step to step.
      if (this.#stored.has(of)) this.bufferUpdates.set(of, { observed: name, momentum });
    };
    const trained = new TrainedNode(
      ...([node, position, inputs, outputs, this.#wanted, constants, this.#mode, observe] as const),
    );
    const results = rule?.forward ? rule.forward(g, trained) : trained.copy(g);
    trained.outputs = results;
    node.outputs.forEach((name, i) => {
      if (name !== '') this.#values.set(name, results[i]!);
    });
    if (rule && node.outputs.some((name) => this.#wanted.has(name))) this.#nodes.push({ rule, trained });
  }
}

/** Those of whole numbers that are known to the last one, as vectors. */
function* knownInts(ints: ReadonlyMap<string, readonly Dim[]>): Iterable<[string, TensorValue]> {
  for (const [name, values] of ints) {
    if (values.every((value) => typeof value === 'number')) yield [name, int64Tensor(values)];
  }
}

/** The nodes that values depend on. */
function neededNodes(all: readonly GraphNode[], names: readonly string[]): GraphNode[] {
  const needed = new Set(names);
  const nodes = all.toReversed().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of node.inputs) needed.add(name);
    return true;
  });
  return nodes.reverse();
}

/** The names given and all values with a fraction that are computed from them: sizes and indices have no slope. */
function dependents(
  nodes: readonly GraphNode[],
  names: readonly string[],
  types: ReadonlyMap<string, DataType>,
): Set<string> {
  const found = new Set(names);
  for (const { inputs, outputs } of nodes) {
    if (!inputs.some((name) => found.has(name))) continue;
    for (const name of outputs) {
      if (name !== '' && FRACTIONS.has(types.get(name) ?? 'float32')) found.add(name);
    }
  }
  return found;
}

const FRACTIONS: ReadonlySet<DataType> = new Set(['float32', 'float16', 'bfloat16', 'float64']);
