import type { Graph } from '../../../core/onnx/graph.ts';
import { Random } from '../../../core/random.ts';
import { evaluateGraph64, reevaluateGraph64, type Tensor64, type Values } from './reference.ts';

/**
 * The step of the central differences. Their own error is of the order of h^2 = 1e-12 by curvature and of
 * 1e-16 * |loss| / h = 1e-9 by float64 rounding: nothing beside float32's 1e-7.
 */
const STEP = 1e-6;
/** Elements differentiated one by one in every tensor; all of them where there are no more. */
const ELEMENTS = 48;
/** Random directions beside them: each sees an error anywhere in the tensor. */
const DIRECTIONS = 4;

/** A number that the derivative along `direction` must have; `direction` is indices with signs. */
interface Probe {
  indices: readonly number[];
  signs: readonly number[];
  derivative: number;
}

/** What finite differences say of one tensor's gradient. */
export interface NumericGradient {
  probes: Probe[];
  /** Root mean square of the elements looked at; what errors are relative to. */
  scale: number;
}

/**
 * Differentiates sum(seed * output) over all outputs with respect to each of `wanted`, in float64.
 * @param seeds the gradient of the loss with respect to each output
 */
export function numericGradients(
  graph: Graph,
  given: Values,
  seeds: Values,
  wanted: readonly string[],
  limits: { elements?: number; directions?: number } = {},
): Map<string, NumericGradient> {
  const values = evaluateGraph64(graph, given);
  const loss = (name: string, value: Tensor64): number => {
    const results = reevaluateGraph64(graph, values, name, value);
    let sum = 0;
    for (const [name, { data }] of seeds) {
      const output = results.get(name)!.data;
      for (let i = 0; i < data.length; i++) sum += data[i]! * output[i]!;
    }
    return sum;
  };
  const random = new Random(11);
  return new Map(
    wanted.map((name) => {
      const tensor = given.get(name)!;
      const probes = directions(tensor, random, limits).map(({ indices, signs }) => {
        const at = (step: number) => loss(name, moved(tensor, indices, signs, step));
        return { indices, signs, derivative: (at(STEP) - at(-STEP)) / (2 * STEP) };
      });
      const single = probes.filter(({ indices }) => indices.length === 1);
      const square = single.reduce((sum, { derivative }) => sum + derivative ** 2, 0);
      return [name, { probes, scale: Math.sqrt(square / single.length) }];
    }),
  );
}

/**
 * The worst error of a gradient: of an element relative to the root mean square of the gradient's elements,
 * along a direction of n elements relative to that times sqrt(n), the size such a sum has.
 */
export function gradientError(actual: Float32Array, { probes, scale }: NumericGradient): number {
  const errors = probes.map(({ indices, signs, derivative }) => {
    const sum = indices.reduce((total, index, i) => total + signs[i]! * actual[index]!, 0);
    return Math.abs(sum - derivative) / (scale * Math.sqrt(indices.length));
  });
  // Math.max gives NaN if any is.
  return Math.max(...errors);
}

function directions(
  { data }: Tensor64,
  random: Random,
  limits: { elements?: number; directions?: number },
): Omit<Probe, 'derivative'>[] {
  const all = Array.from(data.keys());
  const chosen = random.shuffle([...all]).slice(0, limits.elements ?? ELEMENTS);
  const single = chosen.map((index) => ({ indices: [index], signs: [1] }));
  if (chosen.length === all.length) return single;
  const wide = Array.from({ length: limits.directions ?? DIRECTIONS }, () => ({
    indices: all,
    signs: all.map(() => (random.uniform() < 0.5 ? -1 : 1)),
  }));
  return [...single, ...wide];
}

function moved(
  tensor: Tensor64,
  indices: readonly number[],
  signs: readonly number[],
  step: number,
): Tensor64 {
  const data = tensor.data.slice();
  indices.forEach((index, i) => {
    data[index]! += signs[i]! * step;
  });
  return { dims: tensor.dims, data };
}
