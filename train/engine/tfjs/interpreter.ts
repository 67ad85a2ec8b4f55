import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { UserError } from '../../../core/errors.ts';
import { countUses, type Graph, type GraphNode } from '../../../core/onnx/graph.ts';
import type { TensorFlow } from '../../../core/tensorflow/load-tfjs.ts';
import type { TfjsPrecision } from '../../precision.ts';
import { widened } from './bfloat16/convert.ts';
import { type ElementType, elementTypeOf } from './bfloat16/element-type.ts';
import { LiveValues, lastReads } from './live-values.ts';
import { TFJS_OPS } from './ops/index.ts';
import type { OpCall, TfjsOp } from './ops/op.ts';
import { plain, toPlain, type Value } from './value.ts';

/** Runs an ONNX graph node by node in TensorFlow.js. Its constants stay on TensorFlow's device until disposed. */
export class GraphInterpreter {
  readonly #nodes: { node: GraphNode; op: TfjsOp; lastReads: string[] }[];
  /** Values that depend on what each run is given for an initializer. */
  readonly #trained: Set<string>;
  /** How many nodes and outputs read a value. */
  readonly #readers: Map<string, number>;
  readonly #constants = new Map<string, Value>();

  /**
   * @param fed initializers that each run is given, such as weights that are trained
   * @param precision what its convolutions, and what is between them, compute in
   * @throws UserError if an operator has no counterpart
   */
  constructor(
    private readonly tf: TensorFlow,
    private readonly graph: Graph,
    fed: ReadonlySet<string> = new Set(),
    private readonly precision: TfjsPrecision = 'fp32',
  ) {
    const nodes = neededNodes(graph);
    const last = lastReads(
      nodes,
      graph.outputs.map(({ name }) => name),
    );
    this.#nodes = nodes.map((node, i) => ({ node, op: opOf(node), lastReads: last[i]! }));
    this.#readers = countUses({ ...graph, nodes });
    this.#trained = new Set(fed);
    for (const { inputs, outputs } of nodes) {
      if (inputs.some((name) => this.#trained.has(name))) for (const name of outputs) this.#trained.add(name);
    }
    for (const [name, { dtype, dims, data }] of graph.initializers) {
      if (dtype !== 'float32' || fed.has(name)) continue;
      this.#constants.set(name, plain(tf.keep(tf.tensor(data as Float32Array, dims))));
    }
  }

  /**
   * Computes the graph's outputs; they and what an operator leaves over are for the caller's tf.tidy.
   * @param feeds the graph's inputs and the fed initializers, by name
   * @param observe called with what the batch showed of each running statistic
   */
  run(feeds: Readonly<Record<string, Value>>, observe: OpCall['observe'] = () => {}): Record<string, Tensor> {
    const { tf, graph } = this;
    const values = new LiveValues([...this.#constants, ...Object.entries(feeds)]);
    const unwidened = (name: string | undefined): Value => {
      const value = values.get(name ?? '');
      if (!value) throw new Error(`${graph.name}: the value "${name}" is read before it is computed`);
      return value;
    };
    const gradientType = (name: string | undefined): ElementType =>
      this.#readers.get(name ?? '') === 1 ? elementTypeOf(tf, unwidened(name).tensor) : 'float32';
    const read = (name: string | undefined): Value => {
      const { tensor, layout } = unwidened(name);
      return { tensor: widened(tf, tensor, gradientType(name)), layout };
    };
    for (const { node, op, lastReads } of this.#nodes) {
      const { inputs } = node;
      const results = op({
        tf,
        node,
        precision: this.precision,
        input: (index) => read(inputs[index]),
        unwidened: (index) => unwidened(inputs[index]),
        gradientType: (index) => gradientType(inputs[index]),
        optional: (index) => (inputs[index] ? read(inputs[index]) : undefined),
        plain: (index) => toPlain(tf, read(inputs[index])),
        integers: (index) => this.#integers(node, index),
        trained: (index) => this.#trained.has(inputs[index] ?? ''),
        observe,
      });
      [results].flat().forEach((value, i) => {
        values.set(node.outputs[i]!, value);
      });
      for (const name of lastReads) values.release(name);
    }
    return Object.fromEntries(graph.outputs.map(({ name }) => [name, toPlain(tf, read(name))]));
  }

  dispose(): void {
    for (const { tensor } of this.#constants.values()) tensor.dispose();
  }

  #integers(node: GraphNode, index: number): number[] {
    const constant = this.graph.initializers.get(node.inputs[index] ?? '');
    if (constant?.dtype !== 'int64') throw new UserError(`${node.name}: input ${index} must be constant`);
    return Array.from(constant.data as BigInt64Array, Number);
  }
}

/**
 * The counterpart of a node's operator.
 * @throws UserError if it has none
 */
function opOf({ op, domain }: GraphNode): TfjsOp {
  const found = domain === '' ? TFJS_OPS.get(op) : undefined;
  if (found) return found;
  throw new UserError(
    `the operator ${domain === '' ? '' : `${domain}.`}${op} cannot be trained with TensorFlow.js; ` +
      `those that can: ${[...TFJS_OPS.keys()].join(', ')}`,
  );
}

/** The nodes that the graph's outputs depend on. */
function neededNodes(graph: Graph): GraphNode[] {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of node.inputs) needed.add(name);
    return true;
  });
  return nodes.reverse();
}
