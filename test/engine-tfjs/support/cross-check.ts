import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Graph } from '../../../core/onnx/graph.ts';
import type { StepResult, TrainingEngine } from '../../../train/engine/engine.ts';
import { OrtEngine } from '../../../train/engine/ort-engine.ts';
import { TfjsEngine } from '../../../train/engine/tfjs-engine.ts';
import {
  copyState,
  packVector,
  type Segment,
  type TrainingState,
  vectorLayout,
} from '../../../train/state.ts';
import { batchOf, type NetCase } from './net-case.ts';
import { relativeError } from './relative-error.ts';

/*
 * The engines from the same weights on the same batches, both in float32 with sums in another order. Of each
 * tensor the largest difference is measured against its largest element. What is measured is 1e-5 to 3e-5; a
 * wrong operator, pad or statistic is off by the order of the tensor itself.
 */
export const TOLERANCE = 1e-4;

/** That of the fixtures, which keep clear of kinks on the way that the optimiser takes. */
const WEIGHT_DECAY = 5e-4;

/** What all cases of random weights have. */
export const GENERATED = { baseSeed: 1, batch: 4, nesterov: false };

/** Trains with both; losses, logits, gradients, weights and running statistics must be the same. */
export async function checkAgreement(t: TestContext, model: Graph, net: NetCase): Promise<void> {
  const layout = vectorLayout(model);
  const [ort, tfjs] = await bothEngines(model, net);
  const worst = new Map<string, { error: number; tensor: string }>();
  const add = (kind: string, tensor: string, a: Float32Array, b: Float32Array) => {
    const error = relativeError(a, b);
    if (!(error <= (worst.get(kind)?.error ?? -1))) worst.set(kind, { error, tensor });
  };
  const addAll = (kind: string, segments: readonly Segment[], a: Float32Array, b: Float32Array) => {
    for (const { name: tensor, offset, size } of segments) {
      add(kind, tensor, a.subarray(offset, offset + size), b.subarray(offset, offset + size));
    }
  };
  for (let step = 0; step < net.learningRates.length; step++) {
    const [a, b] = [tfjs[step]!, ort[step]!];
    add('loss', `step ${step}`, Float32Array.of(a.loss), Float32Array.of(b.loss));
    add('logits', `step ${step}`, a.logits, b.logits);
    if (step === 0) addAll('gradient', layout.parameters, gradientOf(model, a), gradientOf(model, b));
    addAll('momentum', layout.parameters, a.state.slots.momentum!, b.state.slots.momentum!);
    addAll('weights', layout.parameters, a.state.parameters, b.state.parameters);
    addAll('statistics', layout.buffers, a.state.buffers, b.state.buffers);
  }
  const summary = [...worst]
    .map(([kind, { error, tensor }]) => `${kind} ${error.toExponential(1)} (${tensor})`)
    .join(', ');
  t.diagnostic(summary);
  for (const [, { error }] of worst) assert.ok(error <= TOLERANCE, `above ${TOLERANCE}: ${summary}`);
}

/** The gradient of the first step, whose momentum is the gradient with the weight decay in it. */
function gradientOf(model: Graph, { state }: Step): Float32Array {
  const initial = packVector(model, vectorLayout(model).parameters);
  return state.slots.momentum!.map((value, i) => value - WEIGHT_DECAY * initial[i]!);
}

export type Step = StepResult & { state: TrainingState };

/** All steps of a case by either engine. */
export async function bothEngines(model: Graph, net: NetCase): Promise<[ort: Step[], tfjs: Step[]]> {
  const optimizer = {
    name: 'sgd' as const,
    momentum: 0.9,
    nesterov: net.nesterov,
    weightDecay: WEIGHT_DECAY,
  };
  const options = { batchSize: net.batch, optimizer };
  const ort = await trained(await OrtEngine.create(model, options), net);
  const tfjs = await trained(await TfjsEngine.create(model, options), net);
  return [ort, tfjs];
}

/** All steps of a case, by an engine that is then closed. */
async function trained(engine: TrainingEngine, net: NetCase): Promise<Step[]> {
  const steps: Step[] = [];
  try {
    for (const [step, rate] of net.learningRates.entries()) {
      const { images, targets } = batchOf(net, step);
      const { loss, logits } = await engine.step(images, targets, rate);
      steps.push({ loss, logits: logits.slice(), state: copyState(await engine.state) });
    }
  } finally {
    await engine.close();
  }
  return steps;
}
