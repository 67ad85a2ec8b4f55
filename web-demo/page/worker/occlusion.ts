import { UserError } from '../../../core/errors.ts';
import type { ScoreKind } from '../../../core/metrics/scores.ts';
import { logSumExp } from '../../../core/metrics/softmax.ts';
import { lastSeen } from './model.ts';
import type { HeatMap, Progress } from './protocol.ts';

/**
 * The heat map of one class over the picture classified last.
 * @throws UserError if there is no picture yet
 */
export async function explain(
  { index }: { index: number },
  { progress, signal }: { progress: (progress: Progress) => void; signal: AbortSignal },
): Promise<HeatMap> {
  const seen = lastSeen();
  if (!seen) throw new UserError('Give a picture first; the heat map explains what the network says of it.');
  const { model, input } = seen;
  const { inputHeight: height, inputWidth: width } = model.metadata;
  const start = performance.now();
  let runs = 0;
  const values = await occlusionMap(
    async (batch, n) => {
      runs += n;
      return (await model.run(batch, n)).logits;
    },
    input,
    {
      height,
      width,
      classes: model.classes,
      index,
      scores: model.metadata.scores,
      onProgress: (done, total) => progress({ done, total }),
      signal,
    },
  );
  return { width, height, values, runs, ms: performance.now() - start };
}

/** Runs a batch of inputs [n, 3, height, width] and gives their logits [n, classes]. */
export type RunBatch = (input: Float32Array, n: number) => Promise<Float32Array>;

export interface OcclusionOptions {
  height: number;
  width: number;
  classes: number;
  /** The class whose evidence is looked for. */
  index: number;
  /** How the logits become probabilities. */
  scores?: ScoreKind | undefined;
  batch?: number;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** One square to cover: its left top pixel and its side. */
interface Patch {
  left: number;
  top: number;
}

/**
 * Occlusion sensitivity (Zeiler and Fergus 2014, arXiv:1311.2901, section 4.2): a square of the mean colour
 * (0 after normalisation), a quarter of the picture wide, covers one place after the other; where the class's
 * log-probability falls, the picture had evidence for it. It needs nothing of the model but its output, so it
 * works for every model, from wherever.
 * @param input [1, 3, height, width], normalised
 * @returns [height, width]: how much the log-probability falls on average where a square covers the pixel, in
 *   nats; negative where covering it helps
 * @throws AbortError if the signal is aborted
 */
export async function occlusionMap(
  run: RunBatch,
  input: Float32Array,
  options: OcclusionOptions,
): Promise<Float32Array> {
  const { height, width, classes, index, scores, batch = 32, onProgress, signal } = options;
  const side = Math.max(1, Math.round(Math.min(height, width) / 4));
  const patches = patchesOf(height, width, side);
  const base = scoreOf(await run(input, 1), 0, classes, index, scores);
  const sum = new Float64Array(height * width);
  const count = new Uint32Array(height * width);
  const covered = new Float32Array(batch * input.length);
  for (let first = 0; first < patches.length; first += batch) {
    signal?.throwIfAborted();
    const some = patches.slice(first, first + batch);
    some.forEach((patch, i) => {
      covered.set(input, i * input.length);
      eachPixel(patch, side, height, width, (pixel) => {
        for (let c = 0; c < 3; c++) covered[i * input.length + c * height * width + pixel] = 0;
      });
    });
    const logits = await run(covered, some.length);
    some.forEach((patch, i) => {
      const fall = base - scoreOf(logits, i, classes, index, scores);
      eachPixel(patch, side, height, width, (pixel) => {
        sum[pixel]! += fall;
        count[pixel]!++;
      });
    });
    onProgress?.(Math.min(first + batch, patches.length), patches.length);
  }
  return Float32Array.from(sum, (value, pixel) => value / count[pixel]!);
}

/** A third of a square apart, also over the edges, so that pixels there are covered as often as others. */
function patchesOf(height: number, width: number, side: number): Patch[] {
  const step = Math.max(1, Math.round(side / 3));
  const patches: Patch[] = [];
  for (let top = step - side; top < height; top += step) {
    for (let left = step - side; left < width; left += step) patches.push({ left, top });
  }
  return patches;
}

function eachPixel(
  { left, top }: Patch,
  side: number,
  height: number,
  width: number,
  visit: (pixel: number) => void,
): void {
  for (let y = Math.max(0, top); y < Math.min(height, top + side); y++) {
    for (let x = Math.max(0, left); x < Math.min(width, left + side); x++) visit(y * width + x);
  }
}

/** The log-probability of a class in a row of logits. */
function scoreOf(
  logits: Float32Array,
  row: number,
  classes: number,
  index: number,
  scores: ScoreKind = 'logits',
): number {
  const own = logits.subarray(row * classes, (row + 1) * classes);
  // Of the others they are logarithms of probabilities already.
  if (scores !== 'logits') return own[index]!;
  return own[index]! - logSumExp(own);
}
