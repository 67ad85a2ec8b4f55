import type { Tensor, TensorContainer } from '@tensorflow/tfjs-node-gpu';
import { UserError } from '../../../core/errors.ts';
import { countUses, type GraphNode, type TensorValue } from '../../../core/onnx/graph.ts';
import type { TensorFlow } from '../../../core/tensorflow/load-tfjs.ts';
import type { TrainingGraph } from '../../gradients/training-graph.ts';
import type { TfjsPrecision } from '../../precision.ts';
import { type ElementType, Kernels } from './kernels.ts';
import type { OperatorCall, TfjsOperator } from './operator.ts';
import { OPERATORS } from './operators/index.ts';
import { plain, toPlain, type Value } from './value.ts';

/**
 * Runs a graph of ONNX's operators and those of training node by node. A value is freed with its last reader. The
 * graph's constants stay on TensorFlow's device until disposed.
 *
 * In bf16, convolutions, large matrix products and what is between them are in bfloat16. The gradient of a value has its type if the value
 * has one reader; of several readers it is summed, in float32.
 */
export class GraphInterpreter {
  readonly #k: Kernels;
  readonly #nodes: { node: GraphNode; operator: TfjsOperator; lastReads: string[] }[];
  readonly #constants = new Map<string, Value>();
  /** How often the forward pass reads a value. */
  readonly #readers: ReadonlyMap<string, number>;
  readonly #gradientOf: ReadonlyMap<string, string>;

  /**
   * @param source a graph, or a training graph, whose gradients are then known as such
   * @throws UserError if an operator has no counterpart in TensorFlow
   */
  constructor(
    private readonly tf: TensorFlow,
    private readonly source: Pick<TrainingGraph, 'graph'> & Partial<TrainingGraph>,
    private readonly precision: TfjsPrecision = 'fp32',
  ) {
    const { graph, backwardFrom = graph.nodes.length, gradientOf = new Map() } = source;
    this.#k = new Kernels(tf);
    const last = lastReads(
      graph.nodes,
      graph.outputs.map(({ name }) => name),
    );
    this.#nodes = graph.nodes.map((node, i) => ({ node, operator: operatorOf(node), lastReads: last[i]! }));
    this.#readers = countUses({ ...graph, nodes: graph.nodes.slice(0, backwardFrom) });
    this.#gradientOf = gradientOf;
    for (const [name, constant] of graph.initializers) {
      this.#constants.set(name, plain(tf.keep(constantTensor(tf, name, constant))));
    }
  }

  /**
   * Computes the graph's outputs; they are for the caller's tf.tidy.
   * @param feeds the graph's inputs, which stay the caller's
   */
  run(feeds: Readonly<Record<string, Value>>): Map<string, Value> {
    const { graph } = this.source;
    const values = new LiveValues(graph.name, [...this.#constants, ...Object.entries(feeds)]);
    /** Values in bfloat16 that have one reader. */
    const halves = new Set<string>();
    for (const { node, operator, lastReads } of this.#nodes) {
      const results = this.tf.tidy(() => {
        const outputs = [operator(this.#call(node, values, halves))].flat();
        return node.outputs.map((name, i) => {
          if (name === '') return undefined;
          const value = outputs[i];
          if (!value)
            throw new UserError(`${node.name}: output ${i} of ${node.op} is not had with TensorFlow.js`);
          return this.#handedOn(value, this.#gradientType(name, halves));
        }) as unknown as TensorContainer;
      }) as unknown as Value[];
      node.outputs.forEach((name, i) => {
        if (name === '') return;
        values.set(name, results[i]!);
        const isHalf = this.#k.typeOf(results[i]!.tensor) === 'bfloat16';
        if (isHalf && this.#readers.get(name) === 1) halves.add(name);
      });
      for (const name of lastReads) values.release(name);
    }
    return new Map(graph.outputs.map(({ name }) => [name, values.get(name)]));
  }

  dispose(): void {
    for (const { tensor } of this.#constants.values()) tensor.dispose();
  }

  #call(node: GraphNode, values: LiveValues, halves: ReadonlySet<string>): OperatorCall {
    const k = this.#k;
    const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
    const input = (index: number): Value => {
      const { tensor, layout } = inputs[index]!;
      return { tensor: k.typeOf(tensor) === 'bfloat16' ? k.cast(tensor, 'float32') : tensor, layout };
    };
    return {
      k,
      node,
      precision: this.precision,
      gradientType: this.#gradientType(node.outputs[0]!, halves),
      inputs,
      input,
      plain: (index) => toPlain(k, input(index)),
      numbers: (index) => {
        const value = inputs[index];
        if (!value) return undefined;
        const constant = this.source.graph.initializers.get(node.inputs[index]!);
        return Array.from((constant?.data ?? toPlain(k, value).dataSync()) as Float32Array, Number);
      },
    };
  }

  #gradientType(name: string, halves: ReadonlySet<string>): ElementType | undefined {
    const of = this.#gradientOf.get(name);
    if (of === undefined) return undefined;
    return halves.has(of) ? 'bfloat16' : 'float32';
  }

  #handedOn(value: Value, type: ElementType | undefined): Value {
    return type === undefined ? value : { ...value, tensor: this.#k.cast(value.tensor, type) };
  }
}

/**
 * The values of a graph while it runs. What a node made is disposed of once no later node reads it.
 */
class LiveValues {
  readonly #values: Map<string, Value>;
  /** Under how many names a tensor that a node made is known. */
  readonly #names = new Map<Tensor, number>();

  /** @param given values that belong to somebody else */
  constructor(
    private readonly graph: string,
    given: Iterable<[string, Value]>,
  ) {
    this.#values = new Map(given);
    for (const { tensor } of this.#values.values()) this.#names.set(tensor, Number.POSITIVE_INFINITY);
  }

  get(name: string): Value {
    const value = this.#values.get(name);
    if (!value) throw new Error(`${this.graph}: the value "${name}" is read before it is computed`);
    return value;
  }

  /** A node made it, or hands on what it was given. */
  set(name: string, value: Value): void {
    this.#values.set(name, value);
    this.#names.set(value.tensor, (this.#names.get(value.tensor) ?? 0) + 1);
  }

  /** It is not read any more. */
  release(name: string): void {
    const { tensor, reserve } = this.get(name);
    this.#values.delete(name);
    reserve?.dispose();
    const names = this.#names.get(tensor)! - 1;
    this.#names.set(tensor, names);
    if (names === 0) tensor.dispose();
  }
}

/** For each node the values, made by nodes, that nothing reads after it. */
function lastReads(nodes: readonly GraphNode[], outputs: Iterable<string>): string[][] {
  const last = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const name of node.outputs) if (name !== '') last.set(name, i);
    for (const name of node.inputs) if (last.has(name)) last.set(name, i);
  });
  for (const name of outputs) last.delete(name);
  const reads: string[][] = nodes.map(() => []);
  for (const [name, i] of last) reads[i]!.push(name);
  return reads;
}

/** @throws UserError if the node's operator has no counterpart */
function operatorOf({ op, domain, name, outputs }: GraphNode): TfjsOperator {
  const key = domain === '' ? op : `${domain}.${op}`;
  const found = OPERATORS.get(key);
  if (found) return found;
  throw new UserError(
    `the operator ${key} (node "${name || outputs[0]}") cannot be trained with TensorFlow.js; use --engine ort`,
  );
}

/** TensorFlow's indices and shapes are int32 here. */
function constantTensor(tf: TensorFlow, name: string, { dtype, dims, data }: TensorValue): Tensor {
  if (dtype === 'float32') return tf.tensor(data as Float32Array, [...dims]);
  if (dtype === 'bool') return tf.tensor(Uint8Array.from(data as Uint8Array, Number), [...dims], 'bool');
  if (dtype === 'int64' || dtype === 'int32') {
    return tf.tensor(Int32Array.from(data as Int32Array, clampToInt32), [...dims], 'int32');
  }
  throw new UserError(`the constant "${name}" is ${dtype}; TensorFlow.js trains float32 models only`);
}

function clampToInt32(value: number | bigint): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Number(value)));
}
