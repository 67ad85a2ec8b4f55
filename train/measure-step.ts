import type { TrainingEngine } from './engine/engine.ts';
import { copyState } from './engine/state.ts';
import { runCall } from './run-steps.ts';

const TRIALS = 3;

/**
 * Times an optimiser step, so that a run's length is known beforehand. The engine's state is left as it was.
 * @param imageValues values in an image
 * @returns seconds a step
 */
export async function measureStepSeconds(
  engine: TrainingEngine,
  batchSize: number,
  imageValues: number,
  classes: number,
): Promise<number> {
  const before = copyState(await engine.state);
  // Not zeros: those would be denormals in no time, and slower than any real image.
  const images = Float32Array.from({ length: batchSize * imageValues }, (_, i) => Math.sin(i));
  const targets = new Float32Array(batchSize * classes).fill(1 / classes);
  const stepsPerCall = engine.stepsPerCall ?? 1;
  const inputs = new Array(stepsPerCall).fill({ images, targets, learningRate: 0 });
  // The first call allocates; it says nothing of the rest.
  await runCall(engine, inputs);
  const calls = Math.ceil(TRIALS / stepsPerCall);
  const start = performance.now();
  for (let call = 0; call < calls; call++) await runCall(engine, inputs);
  const seconds = (performance.now() - start) / 1000 / calls / stepsPerCall;
  engine.load(before);
  return seconds;
}
