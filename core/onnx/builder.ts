import {
  type Attribute,
  type DataType,
  type Dim,
  floatTensor,
  type Graph,
  type GraphNode,
  int64Tensor,
  type TensorValue,
  type ValueInfo,
} from './graph.ts';

/**
 * A thin layer over {@link Graph}: makes unique names, appends nodes in order and hands back value names.
 * It knows no operator; helpers for layers live with the models and gradient rules that use them.
 */
export class GraphBuilder {
  readonly graph: Graph;
  readonly #used = new Set<string>();
  readonly #counters = new Map<string, number>();
  readonly #constants = new Map<string, string>();

  constructor(nameOrGraph: string | Graph) {
    this.graph =
      typeof nameOrGraph === 'string'
        ? { name: nameOrGraph, inputs: [], outputs: [], nodes: [], initializers: new Map() }
        : nameOrGraph;
    for (const value of [...this.graph.inputs, ...this.graph.outputs]) this.#used.add(value.name);
    for (const name of this.graph.initializers.keys()) this.#used.add(name);
    for (const node of this.graph.nodes) for (const output of node.outputs) this.#used.add(output);
  }

  /** A value name that is not used yet: `hint`, or `hint_1`, `hint_2`, ... */
  unique(hint: string): string {
    let name = hint;
    while (this.#used.has(name)) {
      const next = (this.#counters.get(hint) ?? 0) + 1;
      this.#counters.set(hint, next);
      name = `${hint}_${next}`;
    }
    this.#used.add(name);
    return name;
  }

  input(name: string, dtype: DataType, dims: readonly Dim[]): string {
    this.#used.add(name);
    this.graph.inputs.push({ name, dtype, dims: [...dims] });
    return name;
  }

  /** Declares a graph output; the value must exist under this very name. */
  output(name: string, dtype: DataType, dims: readonly Dim[]): void {
    this.graph.outputs.push({ name, dtype, dims: [...dims] } satisfies ValueInfo);
  }

  /** Adds an initializer (a weight or a constant) under exactly this name. */
  initializer(name: string, tensor: TensorValue): string {
    if (this.graph.initializers.has(name)) throw new Error(`initializer ${name} is defined twice`);
    this.#used.add(name);
    this.graph.initializers.set(name, tensor);
    return name;
  }

  /** An int64 vector (or scalar with `dims` []) constant; equal ones are shared. */
  int64(values: readonly number[], dims?: readonly number[]): string {
    // The shape in full: a scalar and a vector of one are different constants.
    return this.#constant(`i${dims ?? values.length}:${values.join()}`, 'const_i64', () =>
      int64Tensor(values, dims),
    );
  }

  /** A float32 scalar constant, or a tensor of `dims`; equal ones are shared. */
  float32(values: number | readonly number[], dims: readonly number[] = []): string {
    const list = typeof values === 'number' ? [values] : values;
    return this.#constant(`f${dims.join()}:${list.join()}`, 'const_f32', () => floatTensor(dims, list));
  }

  #constant(key: string, hint: string, make: () => TensorValue): string {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.initializer(this.unique(hint), make());
    this.#constants.set(key, name);
    return name;
  }

  /**
   * Appends a node with one output and returns that output's name.
   * @param name the output's name; derived from the operator where it is left out
   */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    options: { name?: string; domain?: string } = {},
  ): string {
    return this.nodes(op, inputs, 1, attributes, options)[0]!;
  }

  /** Appends a node with several outputs. */
  nodes(
    op: string,
    inputs: readonly string[],
    outputCount: number,
    attributes: Record<string, Attribute> = {},
    options: { name?: string; domain?: string } = {},
  ): string[] {
    const hint = options.name ?? op.toLowerCase();
    const outputs = Array.from({ length: outputCount }, () => this.unique(hint));
    const node: GraphNode = {
      op,
      domain: options.domain ?? '',
      name: `${op}:${outputs[0]}`,
      inputs: [...inputs],
      outputs,
      attributes,
    };
    this.graph.nodes.push(node);
    return outputs;
  }
}
