import type { StepInput, StepResult, TrainingEngine } from './engine/engine.ts';
import { copyState } from './state.ts';

/** A batch as a step takes it. */
export type StepBatch = Pick<StepInput, 'images' | 'targets'>;

export interface StepOutcome<B> extends StepResult {
  batch: B;
  learningRate: number;
  /** Whether the engine's state is the one after this step: false while later steps of the same call are in it. */
  settled: boolean;
}

/**
 * Trains on batches in order, as many in a call as the engine takes; the last call takes what is left.
 * @param rateOf the learning rate of the batch of this number, counted from 0
 */
export async function* runSteps<B extends StepBatch>(
  engine: TrainingEngine,
  batches: AsyncIterable<B>,
  rateOf: (index: number) => number,
): AsyncGenerator<StepOutcome<B>, void, void> {
  let index = 0;
  for await (const group of groupsOf(batches, engine.stepsPerCall ?? 1)) {
    const rates = group.map((_, i) => rateOf(index + i));
    index += group.length;
    const results = await runCall(
      engine,
      group.map(({ images, targets }, i) => ({ images, targets, learningRate: rates[i]! })),
    );
    for (const [i, batch] of group.entries()) {
      yield { ...results[i]!, batch, learningRate: rates[i]!, settled: i === group.length - 1 };
    }
  }
}

/** At most as many steps as the engine takes in one call. */
export async function runCall(engine: TrainingEngine, inputs: readonly StepInput[]): Promise<StepResult[]> {
  if (engine.steps) return engine.steps(inputs);
  const [{ images, targets, learningRate }] = inputs as [StepInput];
  return [await engine.step(images, targets, learningRate)];
}

async function* groupsOf<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[], void, void> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

const TRIALS = 3;
/** Of a step that takes longer no more are tried: the user waits, and memory's share of it is small. */
const LONG_MS = 5000;

/**
 * Times an optimiser step, so that a run's length is known beforehand. The engine's state is left as it was.
 * @param imageValues values in an image
 * @param stopping when it becomes true, the step under way is the last
 * @returns seconds a step
 */
export async function measureStepSeconds(
  engine: TrainingEngine,
  batchSize: number,
  imageValues: number,
  classes: number,
  stopping: () => boolean = () => false,
): Promise<number> {
  const before = copyState(await engine.state);
  // Not zeros: those would be denormals in no time, and slower than any real image.
  const images = Float32Array.from({ length: batchSize * imageValues }, (_, i) => Math.sin(i));
  const targets = new Float32Array(batchSize * classes).fill(1 / classes);
  const stepsPerCall = engine.stepsPerCall ?? 1;
  const inputs = new Array(stepsPerCall).fill({ images, targets, learningRate: 0 });
  let start = performance.now();
  let steps = stepsPerCall;
  await runCall(engine, inputs);
  if (performance.now() - start < LONG_MS && !stopping()) {
    // The first call allocates; it says nothing of the rest.
    start = performance.now();
    for (steps = 0; steps < TRIALS && !(steps > 0 && stopping()); steps += stepsPerCall)
      await runCall(engine, inputs);
  }
  const seconds = (performance.now() - start) / 1000 / steps;
  engine.load(before);
  return seconds;
}
