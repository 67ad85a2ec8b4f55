import { existsSync } from 'node:fs';
import { readCpu } from '../../core/cpu.ts';
import { UserError } from '../../core/errors.ts';
import { countMacs } from '../../core/onnx/count-macs.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { bindingPath } from '../../core/tensorflow/binding.ts';
import type { Recipe, TrainConfig } from '../recipe/settings.ts';
import { measureStepSeconds } from '../run-steps.ts';
import { createEngine } from './create-engine.ts';

/** What may train on a CPU: onnxruntime has no bfloat16 there. */
const CANDIDATES = [
  { engine: 'ort', precision: 'fp32', label: 'onnxruntime' },
  { engine: 'tfjs', precision: 'fp32', label: 'TensorFlow' },
  { engine: 'tfjs', precision: 'bf16', label: 'TensorFlow in bfloat16' },
] as const;
type Candidate = (typeof CANDIDATES)[number];

/** Multiply-adds from which a training takes two cores some minutes, so that trial steps are worth their seconds. */
const WORTH_TRIALS = 3e13;
/** How much faster another engine must be than onnxruntime: less is within what trial steps differ by. */
const CLEARLY = 1.1;

/** Measured on two cores with AMX, resnet20, 50 and 18 (docs/benchmarks.md). */
const NOT_SET_UP =
  'TensorFlow in bfloat16 trains 1.3 to 2 times as fast as onnxruntime on a CPU with AMX, as this one has: npm run setup:tensorflow';

/** What is to be trained, and how its config is made. */
export interface Training {
  /** As the user gave it. */
  recipe: Recipe;
  model: Graph;
  make: (recipe: Recipe) => TrainConfig;
}

/**
 * A recipe with the engine and precision that train fastest here, by trial steps of each, where the recipe leaves them
 * open, the training is long enough, and TensorFlow is set up; else as it was.
 * @param say told what was measured
 * @param rateOf steps a second by trial, or undefined where an engine cannot train this
 */
export async function withFastestEngine(
  training: Training,
  say: (line: string) => void,
  rateOf: typeof trialRate = trialRate,
): Promise<Recipe> {
  const { recipe, model, make } = training;
  // The others are asked for by what only one engine has.
  const { engine, precision, provider = 'cpu', stepsPerCall, replicas } = recipe;
  const isOpen = engine === undefined && precision !== 'fp16' && stepsPerCall === undefined;
  if (!isOpen || provider !== 'cpu' || replicas !== undefined) return recipe;
  const { epochs, trainImages, batchSize } = make(recipe);
  // A forward pass and about two of them back.
  if (3 * countMacs(model) * trainImages * epochs < WORTH_TRIALS) return recipe;
  if (!existsSync(bindingPath())) {
    if (precision !== 'fp32' && readCpu().instructionSets?.amx) say(NOT_SET_UP);
    return recipe;
  }
  const rates: { candidate: Candidate; rate: number }[] = [];
  for (const candidate of CANDIDATES) {
    if (precision !== undefined && precision !== candidate.precision) continue;
    const rate = await rateOf(model, make({ ...recipe, ...settingsOf(candidate) }), recipe.threads);
    if (rate !== undefined) rates.push({ candidate, rate: rate * batchSize });
  }
  const [first] = rates;
  if (!first) return recipe;
  const fastest = rates.reduce((best, other) => (other.rate > CLEARLY * best.rate ? other : best));
  const others = rates.filter((tried) => tried !== fastest);
  if (others.length > 0) {
    const told = others.map(({ candidate, rate }) => `${candidate.label} ${rateText(rate)}`);
    say(
      `chose ${fastest.candidate.label}, ${rateText(fastest.rate)} images/s in trial steps (${told.join(', ')}); ` +
        '--engine and --precision choose otherwise',
    );
  }
  return { ...recipe, ...settingsOf(fastest.candidate) };
}

const settingsOf = ({ engine, precision }: Candidate) => ({ engine, precision });

const rateText = (rate: number): string => rate.toFixed(rate < 10 ? 1 : 0);

/** Steps a second; undefined if the engine cannot train this here. */
async function trialRate(
  model: Graph,
  config: TrainConfig,
  threads: number | undefined,
): Promise<number | undefined> {
  try {
    const engine = await createEngine(model, config, threads);
    try {
      const [, channels, height, width] = model.inputs[0]!.dims as number[];
      const values = channels! * height! * width!;
      return 1 / (await measureStepSeconds(engine, config.batchSize, values, config.labels.length));
    } finally {
      await engine.close();
    }
  } catch (error) {
    // What onnxruntime cannot train is told when it is asked to.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
