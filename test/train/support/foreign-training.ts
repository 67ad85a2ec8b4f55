import { readFileSync } from 'node:fs';
import { decodeModel } from '../../../core/onnx/model-file.ts';
import { initializerRoles } from '../../../core/onnx/roles.ts';
import { loadTensorFlow } from '../../../core/tensorflow/load-tfjs.ts';
import { differentiateClassifier } from '../../../train/gradients/differentiate.ts';
import type { ClassifierStep } from '../../../train/gradients/training-graph.ts';
import { Lowering } from '../../../train/lowering/ort/lower.ts';
import { LOWERINGS } from '../../../train/lowering/ort/operators.ts';
import { StepBuilder } from '../../../train/lowering/ort/step-builder.ts';
import { GraphInterpreter } from '../../../train/lowering/tfjs/interpreter.ts';
import { Kernels } from '../../../train/lowering/tfjs/kernels.ts';
import { plain, toPlain } from '../../../train/lowering/tfjs/value.ts';
import { trainableModel } from '../../../train/trainable-model.ts';
import { digestError, hashUniform, type TensorDigest } from '../../fixtures/torch-fixture.ts';
import { type Feeds, StepRunner } from './step-runner.ts';

const [BATCH, CLASSES, MOMENTUM] = [4, 10, 0.9];

/** Beside the largest gradient. */
const VANISHING = 1e-9;

/** What PyTorch makes of a file, by fixtures/foreign-nets/make_foreign_nets.py. */
interface Reference {
  imageSize: number;
  /** Of learning, 0.01 if it is not said, and which images, those of 0. */
  rate?: number;
  batches?: number;
  batchNorm?: 'frozen';
  rounding?: StepErrors;
  losses: number[];
  gradients: Record<string, TensorDigest>;
  weights: Record<string, TensorDigest>;
}

/** The worst relative errors of three steps, against float64. */
export interface StepErrors {
  loss: number;
  gradient: number;
  weights: number;
}

export interface ForeignErrors extends StepErrors {
  /** What rounding does in PyTorch, where the reference has it. */
  rounding: StepErrors | undefined;
  /** Where the worst gradient is. */
  worst: string;
  /** Operators of the file as it is trained. */
  operators: string[];
  /** What is trained, and what of it PyTorch has no parameter for. */
  parameters: number;
  unknown: string[];
}

/** A training graph opened in an engine: feeds by its inputs' names; `value.loss` and `gradient.<parameter>` come out. */
export type OpenTraining = (training: ClassifierStep) => Promise<Pick<StepRunner, 'run' | 'close'>>;

export const inOnnxruntime =
  (blockSize: number): OpenTraining =>
  (training) => {
    const b = new StepBuilder('step', blockSize);
    const given = training.graph.inputs.map(
      ({ name, dims }) => [name, b.input(name, dims.map(Number))] as const,
    );
    const lowered = new Lowering(LOWERINGS, b, training, new Map(given));
    b.output('value.loss', lowered.value(training.loss));
    for (const [name, gradient] of training.gradients) b.output(`gradient.${name}`, lowered.value(gradient));
    return StepRunner.open(b.graph);
  };

export const inTensorFlow: OpenTraining = async (training) => {
  const tf = await loadTensorFlow();
  const k = new Kernels(tf);
  const interpreter = new GraphInterpreter(tf, training);
  return {
    async run(feeds) {
      const results: Feeds = {};
      tf.tidy(() => {
        const given = training.graph.inputs.map(
          ({ name, dims }) => [name, plain(tf.tensor(feeds[name]!.slice(), dims.map(Number)))] as const,
        );
        const outputs = interpreter.run(Object.fromEntries(given));
        const read = (name: string) => toPlain(k, outputs.get(name)!).dataSync() as Float32Array;
        results['value.loss'] = read(training.loss);
        for (const [name, gradient] of training.gradients) results[`gradient.${name}`] = read(gradient);
      });
      return results;
    },
    close: async () => interpreter.dispose(),
  };
};

/** Trains an exported net as the reference beside it does (`.json` for `.onnx`), and compares. */
export async function foreignErrors(path: string, open: OpenTraining): Promise<ForeignErrors> {
  const reference = JSON.parse(readFileSync(path.replace(/\.onnx$/, '.json'), 'utf8')) as Reference;
  const model = await trainableModel(decodeModel(readFileSync(path), path), BATCH);
  const { parameters, buffers } = initializerRoles(model);
  const { imageSize, rate = 0.01, batches = 0, batchNorm } = reference;
  const training = differentiateClassifier(model, { batchSize: BATCH, parameters, buffers, batchNorm });
  const weights = new Map(
    parameters.map((name) => [name, Float32Array.from(model.initializers.get(name)!.data as Float32Array)]),
  );
  const statistics = buffers.map(
    (name) => [name, model.initializers.get(name)!.data as Float32Array] as const,
  );
  const momenta = new Map<string, Float32Array>();
  const losses: number[] = [];
  const gradients = new Map<string, Float32Array>();
  const runner = await open(training);
  for (let step = 0; step < reference.losses.length; step++) {
    const results = await runner.run({
      ...Object.fromEntries([...weights, ...statistics]),
      [training.images]: imagesOf(10 * batches + step, imageSize),
      [training.targets]: targetsOf(10 * batches + step),
    });
    losses.push(results['value.loss']![0]!);
    for (const [name, weight] of weights) {
      const gradient = results[`gradient.${name}`]!;
      if (step === 0) gradients.set(name, gradient);
      const momentum = momenta.get(name)?.map((value, i) => MOMENTUM * value + gradient[i]!) ?? gradient;
      momenta.set(name, momentum);
      momentum.forEach((value, i) => {
        weight[i]! -= rate * value;
      });
    }
  }
  await runner.close();

  const largest = Math.max(...Object.values(reference.gradients).map(({ norm }) => norm));
  const errors = Object.entries(reference.gradients).map(([name, digest]): [number, string] => {
    const gradient = gradients.get(name);
    if (!gradient) return [Number.POSITIVE_INFINITY, name];
    // Of what batch norm takes out again the gradient is 0, but for rounding.
    if (digest.norm < VANISHING * largest) return [normOf(gradient) / largest, name];
    return [digestError(gradient, digest), name];
  });
  const [gradient, worst] = errors.reduce((a, c) => (c[0] > a[0] ? c : a), [0, '']);
  return {
    loss: Math.max(...losses.map((loss, i) => Math.abs(loss / reference.losses[i]! - 1))),
    gradient,
    rounding: reference.rounding,
    worst,
    weights: Math.max(
      ...Object.entries(reference.weights).map(([name, digest]) =>
        weights.has(name) ? digestError(weights.get(name)!, digest) : Number.POSITIVE_INFINITY,
      ),
    ),
    operators: [...new Set(model.nodes.map(({ op }) => op))].sort(),
    parameters: parameters.length,
    unknown: parameters.filter((name) => !(name in reference.weights)),
  };
}

/** As Math.hypot, of any number of values. */
const normOf = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));

function imagesOf(batch: number, size: number): Float32Array {
  return Float32Array.from(
    { length: BATCH * 3 * size * size },
    (_, i) => 3.4 * (hashUniform(1000 + batch, i) - 0.5),
  );
}

function targetsOf(batch: number): Float32Array {
  const targets = new Float32Array(BATCH * CLASSES);
  for (let n = 0; n < BATCH; n++)
    targets[n * CLASSES + Math.floor(hashUniform(2000 + batch, n) * CLASSES)] = 1;
  return targets;
}
