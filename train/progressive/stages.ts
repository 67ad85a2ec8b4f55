import { UserError } from '../../core/errors.ts';

/** Images of another size until a share of the epochs is done. */
export interface ProgressiveStage {
  /** Height and width in pixels. */
  size: number;
  /** Share of the run's epochs at which the stage ends, above 0 and below 1. */
  until: number;
}

/** Progressive resizing as a run's config.json states it. */
export interface ProgressiveSettings {
  /** Stages before the one of whole images, in order; default none. */
  progressive?: ProgressiveStage[];
}

/** The option with which a command line asks for progressive resizing. */
export const PROGRESSIVE_CLI_OPTION = {
  progressive: {
    type: 'string',
    value: 'SIZE:SHARE,...',
    help: 'train on images of SIZE pixels until that share of the epochs is done, then on whole ones, e.g. 16:0.3,24:0.6',
  },
} as const;

/** Every stage of a CIFAR net halves the image twice at most; below this a 3x3 layer sees padding only. */
const SMALLEST_SIZE = 8;

/**
 * Reads `16:0.3,24:0.6`.
 * @param imageSize height and width of whole images
 * @throws UserError if it is not a list of stages with rising shares and sizes below the whole image's
 */
export function parseStages(text: string, imageSize: { height: number; width: number }): ProgressiveStage[] {
  const { height, width } = imageSize;
  if (height !== width) throw new UserError(`--progressive wants square images, not ${width} x ${height}`);
  const stages = text.split(',').map((part) => {
    const match = /^\s*(\d+):(\d*\.?\d+)\s*$/.exec(part);
    if (!match) {
      throw new UserError(`--progressive takes SIZE:SHARE,..., e.g. 16:0.3,24:0.6, not "${text}"`);
    }
    return { size: Number(match[1]), until: Number(match[2]) };
  });
  for (const [i, { size, until }] of stages.entries()) {
    if (size < SMALLEST_SIZE || size >= height || size % 4 !== 0) {
      throw new UserError(
        `--progressive: a size is a multiple of 4 from ${SMALLEST_SIZE} to below ${height} pixels, not ${size}`,
      );
    }
    if (!(until > (stages[i - 1]?.until ?? 0) && until < 1)) {
      throw new UserError('--progressive: the shares rise and are above 0 and below 1');
    }
  }
  return stages;
}

/** The size that the images of an epoch have. */
export function imageSizeAt(
  { progressive = [], epochs }: ProgressiveSettings & { epochs: number },
  epoch: number,
  wholeSize: number,
): number {
  return progressive.find(({ until }) => epoch < Math.round(until * epochs))?.size ?? wholeSize;
}
