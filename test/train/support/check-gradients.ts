import assert from 'node:assert/strict';
import type { Graph } from '../../../core/onnx/graph.ts';
import { Random } from '../../../core/random.ts';
import { differentiate } from '../../../train/gradients/differentiate.ts';
import { Lowering } from '../../../train/lowering/ort/lower.ts';
import { LOWERINGS } from '../../../train/lowering/ort/operators.ts';
import { StepBuilder } from '../../../train/lowering/ort/step-builder.ts';
import type { CaseNet } from './case-net.ts';
import { gradientError, type NumericGradient, numericGradients } from './finite-differences.ts';
import { evaluateGraph64, type Tensor64, type Values } from './reference.ts';
import { type Feeds, runOnce } from './step-runner.ts';

/**
 * The step graph computes in float32 (2^-24 = 6e-8) and its gradients are sums of up to a few thousand
 * products, for batch norm of terms that nearly cancel: errors of 1e-7 to 1e-5 are rounding. A wrong term, tap,
 * pad or scale changes some element by the order of the gradient itself.
 */
const GRADIENT_TOLERANCE = 1e-4;
/** Forward values are shorter sums without that cancellation. */
const VALUE_TOLERANCE = 1e-5;

export interface Expectation {
  net: CaseNet;
  seeds: Values;
  outputs: Values;
  wanted: string[];
  gradients: Map<string, NumericGradient>;
}

/** What the reference says of a case, the same for every channel block. */
export function expectationOf(
  net: CaseNet,
  options: { wanted?: (net: CaseNet) => string[]; elements?: number; directions?: number } = {},
): Expectation {
  const values = evaluateGraph64(net.graph, net.given);
  const outputs: Values = new Map(net.graph.outputs.map(({ name }) => [name, values.get(name)!]));
  const random = new Random(17);
  const seeds: Values = new Map(
    [...outputs].map(([name, { dims, data }]): [string, Tensor64] => [
      name,
      { dims, data: Float64Array.from(data, () => Math.fround(random.normal())) },
    ]),
  );
  const wanted =
    options.wanted?.(net) ??
    [...net.given.keys()].filter((name) => !net.buffers.has(name) && !net.constants.has(name));
  return {
    net,
    seeds,
    outputs,
    wanted,
    gradients: numericGradients(net.graph, net.given, seeds, wanted, options),
  };
}

/**
 * Differentiates the case's graph, runs the result in onnxruntime and compares values and gradients.
 * @returns the worst relative error of a gradient
 */
export async function checkGradients(expected: Expectation, blockSize: number): Promise<number> {
  return compareGradients(expected, await runOnce(differentiated(expected, blockSize), feedsOf(expected)));
}

/**
 * Compares what an engine makes of a case with the reference.
 * @param results values by the names `value.<output>` and `gradient.<wanted>`
 * @returns the worst relative error of a gradient
 */
export function compareGradients(expected: Expectation, results: Feeds): number {
  for (const [name, { data }] of expected.outputs) {
    const error = relativeError64(results[`value.${name}`]!, data);
    assert.ok(error <= VALUE_TOLERANCE, `value ${name}: relative error ${error}`);
  }
  let worst = 0;
  for (const [name, numeric] of expected.gradients) {
    const actual = results[`gradient.${name}`]!;
    assert.equal(actual.length, expected.net.given.get(name)!.data.length, `size of the gradient of ${name}`);
    const error = gradientError(actual, numeric);
    assert.ok(error <= GRADIENT_TOLERANCE, `gradient of ${name}: relative error ${error}`);
    worst = Math.max(worst, error);
  }
  return worst;
}

/** A graph with outputs `value.<output>` and `gradient.<wanted>`; inputs, parameters and seeds are its inputs. */
export function differentiated(
  { net, seeds, wanted }: Pick<Expectation, 'seeds' | 'wanted'> & { net: Pick<CaseNet, 'graph' | 'buffers'> },
  blockSize: number,
): Graph {
  const b = new StepBuilder('differentiated', blockSize);
  const training = differentiate(net.graph, wanted, [...net.buffers]);
  const given = training.graph.inputs.map(
    ({ name, dims }) => [name, b.input(name, dims.map(Number))] as const,
  );
  const lowered = new Lowering(LOWERINGS, b, training, new Map(given));
  for (const name of seeds.keys()) b.output(`value.${name}`, lowered.value(training.outputs.get(name)!));
  for (const [name, gradient] of training.gradients) b.output(`gradient.${name}`, lowered.value(gradient));
  return b.graph;
}

export function feedsOf({ net, seeds }: Expectation): Feeds {
  const feeds: Feeds = {};
  for (const [name, { data }] of net.given) feeds[name] = Float32Array.from(data);
  for (const [name, { data }] of seeds) feeds[`seed.${name}`] = Float32Array.from(data);
  return feeds;
}

/** In the L2 norm. */
export function relativeError64(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(actual.length, expected.length);
  let [difference, norm] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}
