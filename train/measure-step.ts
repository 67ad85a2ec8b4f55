import type { TrainingEngine } from './engine/engine.ts';
import { copyState } from './engine/state.ts';

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
  const before = copyState(engine.state);
  // Not zeros: those would be denormals in no time, and slower than any real image.
  const images = Float32Array.from({ length: batchSize * imageValues }, (_, i) => Math.sin(i));
  const targets = new Float32Array(batchSize * classes).fill(1 / classes);
  // The first step allocates; it says nothing of the rest.
  await engine.step(images, targets, 0);
  const start = performance.now();
  for (let trial = 0; trial < TRIALS; trial++) await engine.step(images, targets, 0);
  const seconds = (performance.now() - start) / 1000 / TRIALS;
  engine.load(before);
  return seconds;
}
