import { floatAttribute, sizeOf } from '../../../core/onnx/graph.ts';
import type { Rule } from '../rule.ts';
import type { TrainingGraphBuilder, Value } from '../training-graph.ts';

/** A prime below 2^12: the square of what it leaves over is a whole number that float32 holds. */
const PRIME = 4093;
const HALF = 4096;

/** a mod m of whole numbers below 2^24, exact in float32 in every engine, however it rounds its divisions. */
function modulo(g: TrainingGraphBuilder, a: Value, m: number): Value {
  const rest = g.sub(a, g.scale(g.floor(g.scale(a, 1 / m)), m));
  const [zero, modulus] = [g.constant(0), g.constant(m)];
  const notNegative = g.where(g.less(rest, zero), g.add(rest, modulus), rest);
  return g.where(g.less(notNegative, modulus), notNegative, g.sub(notNegative, modulus));
}

/** Four rounds of a Feistel network of two halves of 12 bits; the keys change each round. */
function mixed(g: TrainingGraphBuilder, high: Value, low: Value, keys: readonly Value[]): [Value, Value] {
  return keys.reduce<[Value, Value]>(
    ([left, right], key, round) => {
      const base = modulo(g, g.shift(g.add(right, key), 1 + 977 * round), PRIME);
      return [right, modulo(g, g.add(left, modulo(g, g.square(base), PRIME)), HALF)];
    },
    [high, low],
  );
}

/**
 * Uniform numbers in [0, 1), multiples of 2^-24, a hash of the step, the node, the image and the place within it: the
 * same in every engine, in the forward and in the backward pass, and after a run is resumed.
 * @param step [], a whole number below 2^24
 * @param node a number that tells the nodes apart
 */
export function uniformNumbers(
  g: TrainingGraphBuilder,
  step: Value,
  node: number,
  dims: readonly number[],
): Value {
  const [rows, ...rest] = dims.length > 1 ? dims : [1, ...dims];
  const width = sizeOf(rest);
  const counter = (count: number, shape: readonly number[], part: (i: number) => number) =>
    g.table(
      'counter',
      shape,
      Float32Array.from({ length: count }, (_, i) => part(i)),
    );
  const high = (i: number) => Math.floor(i / HALF) % HALF;
  const low = (i: number) => i % HALF;
  // Keys of the step and node, then of each image, then the numbers.
  const stepHigh = g.floor(g.scale(step, 1 / HALF));
  const stepLow = g.sub(step, g.scale(stepHigh, HALF));
  const constants = [node % PRIME, 2741, Math.floor(node / PRIME) % PRIME, 1103].map((key) =>
    g.constant(key),
  );
  const [a, b] = mixed(g, stepHigh, stepLow, constants);
  const ofRow = [counter(rows!, [rows!, 1], high), counter(rows!, [rows!, 1], low)] as const;
  const [c, d] = mixed(g, ...ofRow, [a, b, a, b]);
  const columns = [counter(width, [1, width], high), counter(width, [1, width], low)] as const;
  const [left, right] = mixed(g, ...columns, [c, d, c, d]);
  return g.reshape(g.scale(g.add(g.scale(left, HALF), right), 1 / HALF ** 2), dims);
}

/**
 * The number of a step as {@link uniformNumbers} takes it, so that runs of other seeds drop other things.
 * @param step counts the steps of a run, and of a batch worked through in parts those too
 */
export function dropoutStep(seed: number, step: number): number {
  return ((Math.imul(seed, 0x9e3779b1) >>> 8) + step) % 2 ** 24;
}

export const DROPOUT: Readonly<Record<string, Rule>> = {
  /**
   * https://onnx.ai/onnx/operators/onnx__Dropout.html as it trains (Srivastava et al. 2014), whatever its
   * training_mode says; of ratio 0, or if the step is not to drop anything, it gives its input.
   */
  Dropout: {
    forward(g, n) {
      const ratio = n.node.attributes.ratio
        ? floatAttribute(n.node, 'ratio', 0.5)
        : (n.numbers(1)?.[0] ?? 0.5);
      if (!n.mode.step || ratio === 0) return [n.x];
      if (!(ratio > 0 && ratio < 1))
        throw n.refusal(`of ratio ${ratio} is not supported, only from 0 to below 1`);
      const numbers = uniformNumbers(g, n.mode.step, n.position, n.x.dims);
      const kept = g.elementwise('GreaterOrEqual', numbers, g.constant(ratio));
      const factor = g.scale(g.toFactor(kept), 1 / (1 - ratio));
      return [g.mul(n.x, factor), kept, factor];
    },
    backward: (g, { outputs }, [dy]) => [outputs.length > 1 ? g.mul(dy!, outputs[2]!) : dy],
  },
};
