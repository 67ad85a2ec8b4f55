import { UserError } from '../../core/errors.ts';
import type { ProgressiveStage, TrainConfig } from '../recipe/settings.ts';

/** What an epoch is trained as, where that changes during a run. */
export interface Stage {
  /** Height and width of the images that the net sees. */
  size: number;
  /** Whether what `freeze` names still stays as it is. */
  frozen: boolean;
}

export function stageAt(
  config: Pick<TrainConfig, 'progressive' | 'epochs' | 'unfreezeAfter'>,
  epoch: number,
  wholeSize: number,
): Stage {
  const { unfreezeAfter } = config;
  return {
    size: imageSizeAt(config, epoch, wholeSize),
    frozen: unfreezeAfter === undefined || epoch < unfreezeAfter,
  };
}

/** @throws UserError if whole images are not square, or not larger than those of every stage */
export function checkStages(
  stages: readonly ProgressiveStage[],
  { height, width }: { height: number; width: number },
): void {
  if (stages.length === 0) return;
  if (height !== width) throw new UserError(`--progressive wants square images, not ${width} x ${height}`);
  const large = stages.find(({ size }) => size >= height);
  if (large)
    throw new UserError(
      `--progressive: a size is below the ${height} pixels of the whole image, not ${large.size}`,
    );
}

/** The size that the images of an epoch have. */
export function imageSizeAt(
  { progressive, epochs }: Pick<TrainConfig, 'progressive' | 'epochs'>,
  epoch: number,
  wholeSize: number,
): number {
  return progressive.find(({ until }) => epoch < Math.round(until * epochs))?.size ?? wholeSize;
}
