import { UserError } from '../../../core/errors.ts';
import { lastSeen } from './classify.ts';
import { occlusionMap } from './occlusion.ts';
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
