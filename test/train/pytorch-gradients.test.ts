import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { type Attribute, float, floatTensor, int, ints, str } from '../../core/onnx/graph.ts';
import { differentiate } from '../../train/gradients/differentiate.ts';
import { Lowering } from '../../train/lowering/ort/lower.ts';
import { LOWERINGS } from '../../train/lowering/ort/operators.ts';
import { StepBuilder } from '../../train/lowering/ort/step-builder.ts';
import { runOnce } from './support/step-runner.ts';

/* PyTorch's gradients at kinks and ties, where finite differences have none, and of norms: fixtures/gradients. */

interface Numbers {
  dims: number[];
  data: number[];
}

interface Case {
  name: string;
  op: string;
  attributes: Record<string, number | number[] | string>;
  constants: Record<string, Numbers>;
  order: string[];
  inputs: Record<string, Numbers>;
  output: Numbers;
  seed: number[];
  gradients: Record<string, number[]>;
}

const { cases } = JSON.parse(
  readFileSync(new URL('../fixtures/gradients/gradients.json', import.meta.url), 'utf8'),
) as { cases: Case[] };
const TOLERANCE = 1e-5;
const WHOLE = ['num_groups', 'is_causal'];

const attributeOf = ([name, value]: [string, number | number[] | string]): [string, Attribute] => {
  if (typeof value === 'string') return [name, str(value)];
  if (Array.isArray(value)) return [name, ints(value)];
  return [name, WHOLE.includes(name) ? int(value) : float(value)];
};

describe("a rule's gradient is PyTorch's", () => {
  for (const { name, op, attributes, constants, order, inputs, output, seed, gradients } of cases) {
    it(name, async () => {
      const net = new GraphBuilder('case');
      for (const [key, { dims }] of Object.entries(inputs)) net.input(key, 'float32', dims);
      for (const [key, { dims, data }] of Object.entries(constants))
        net.initializer(key, floatTensor(dims, data));
      net.node(op, order, Object.fromEntries(Object.entries(attributes).map(attributeOf)), { name: 'y' });
      net.output('y', 'float32', output.dims);
      const mode = name.endsWith('frozen') ? 'frozen' : 'train';
      const wanted = Object.keys(inputs);
      const training = differentiate(net.graph, wanted, [], { batchNorm: mode });
      assert.equal(training.bufferUpdates.size, op === 'BatchNormalization' && mode === 'train' ? 2 : 0);
      const b = new StepBuilder('step', 0);
      const given = training.graph.inputs.map(
        ({ name, dims }) => [name, b.input(name, dims.map(Number))] as const,
      );
      const lowered = new Lowering(LOWERINGS, b, training, new Map(given));
      b.output('result', lowered.value(training.outputs.get('y')!));
      for (const key of wanted) {
        const gradient = training.gradients.get(key);
        b.output(`gradient.${key}`, lowered.value(gradient!));
      }
      const feeds = Object.entries(inputs).map(([key, { data }]) => [key, Float32Array.from(data)]);
      const results = await runOnce(b.graph, {
        ...Object.fromEntries(feeds),
        'seed.y': Float32Array.from(seed),
      });
      near(results.result!, output.data, 'output');
      for (const key of wanted) near(results[`gradient.${key}`]!, gradients[key]!, `gradient of ${key}`);
    });
  }
});

function near(actual: Float32Array, expected: readonly number[], what: string): void {
  assert.equal(actual.length, expected.length);
  const size = Math.max(1, ...expected.map(Math.abs));
  for (const [i, value] of expected.entries()) {
    assert.ok(
      Math.abs(actual[i]! - value) <= TOLERANCE * size,
      `${what} at ${i}: ${actual[i]}, not ${value}`,
    );
  }
}
