import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { GraphNode } from '../../../core/onnx/graph.ts';
import type { Value } from './value.ts';

/**
 * The values of a graph while it runs. What a node made is disposed of once no later node reads it: autodiff holds
 * on by itself to what the way back needs, which is little of it.
 */
export class LiveValues {
  readonly #values: Map<string, Value>;
  /** Under how many names a tensor that a node made is known. */
  readonly #names = new Map<Tensor, number>();

  /** @param given values that belong to somebody else */
  constructor(given: Iterable<[string, Value]>) {
    this.#values = new Map(given);
    for (const { tensor } of this.#values.values()) this.#names.set(tensor, Number.POSITIVE_INFINITY);
  }

  get(name: string): Value | undefined {
    return this.#values.get(name);
  }

  /** A node made it, or hands on what it was given. */
  set(name: string, value: Value): void {
    this.#values.set(name, value);
    this.#names.set(value.tensor, (this.#names.get(value.tensor) ?? 0) + 1);
  }

  /** It is not read any more. */
  release(name: string): void {
    const { tensor } = this.#values.get(name)!;
    this.#values.delete(name);
    const names = this.#names.get(tensor)! - 1;
    this.#names.set(tensor, names);
    if (names === 0) tensor.dispose();
  }
}

/** For each node the values, made by nodes, that nothing reads after it. */
export function lastReads(nodes: readonly GraphNode[], outputs: Iterable<string>): string[][] {
  const last = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const name of node.outputs) last.set(name, i);
    for (const name of node.inputs) if (last.has(name)) last.set(name, i);
  });
  for (const name of outputs) last.delete(name);
  const reads: string[][] = nodes.map(() => []);
  for (const [name, i] of last) reads[i]!.push(name);
  return reads;
}
