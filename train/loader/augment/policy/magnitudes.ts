import type { OpName } from '../ops/op.ts';
import type { ImageSize } from '../transform.ts';

/** The magnitudes an op is tried with. */
export interface OpRange {
  /** By bin; a single 0 for an op without magnitude. */
  magnitudes: readonly number[];
  /** Whether the magnitude is negated half of the time. */
  signed: boolean;
}

/** Ops by name, in torchvision's order. */
export type AugmentationSpace = ReadonlyMap<OpName, OpRange>;

/** `AutoAugment._augmentation_space`: 10 bins. */
export function autoAugmentSpace(size: ImageSize): AugmentationSpace {
  return new Map<OpName, OpRange>([...narrowRanges(10, size), ['Invert', NO_MAGNITUDE]]);
}

/** `RandAugment._augmentation_space`, by default with 31 bins. */
export function randAugmentSpace(size: ImageSize, bins = 31): AugmentationSpace {
  return new Map<OpName, OpRange>([['Identity', NO_MAGNITUDE], ...narrowRanges(bins, size)]);
}

/** `TrivialAugmentWide._augmentation_space`, by default with 31 bins; translates 32 pixels at any size. */
export function trivialAugmentSpace(bins = 31): AugmentationSpace {
  return new Map<OpName, OpRange>([
    ['Identity', NO_MAGNITUDE],
    ...ranges(bins, { shear: 0.99, right: 32, down: 32, degrees: 135, factor: 0.99, bits: 6 }),
  ]);
}

const NO_MAGNITUDE: OpRange = { magnitudes: [0], signed: false };

function narrowRanges(bins: number, { height, width }: ImageSize): [OpName, OpRange][] {
  const right = (150 / 331) * width;
  const down = (150 / 331) * height;
  return ranges(bins, { shear: 0.3, right, down, degrees: 30, factor: 0.9, bits: 4 });
}

/** The largest magnitudes of a space. */
interface Extremes {
  shear: number;
  /** Pixels. */
  right: number;
  /** Pixels. */
  down: number;
  degrees: number;
  /** How far the factor of an enhancement is from 1. */
  factor: number;
  /** Bits that posterize takes away. */
  bits: number;
}

function ranges(bins: number, most: Extremes): [OpName, OpRange][] {
  const signed = (end: number): OpRange => ({ magnitudes: linspace(0, end, bins), signed: true });
  const bits = Array.from({ length: bins }, (_, i) => 8 - Math.round(i / ((bins - 1) / most.bits)));
  return [
    ['ShearX', signed(most.shear)],
    ['ShearY', signed(most.shear)],
    ['TranslateX', signed(most.right)],
    ['TranslateY', signed(most.down)],
    ['Rotate', signed(most.degrees)],
    ['Brightness', signed(most.factor)],
    ['Color', signed(most.factor)],
    ['Contrast', signed(most.factor)],
    ['Sharpness', signed(most.factor)],
    ['Posterize', { magnitudes: bits, signed: false }],
    ['Solarize', { magnitudes: linspace(255, 0, bins), signed: false }],
    ['AutoContrast', NO_MAGNITUDE],
    ['Equalize', NO_MAGNITUDE],
  ];
}

/** torch.linspace on the CPU: single precision, each half counted from its own end. */
function linspace(start: number, end: number, count: number): number[] {
  const [first, last] = [Math.fround(start), Math.fround(end)];
  const step = Math.fround((last - first) / (count - 1));
  return Array.from({ length: count }, (_, i) =>
    i < Math.floor(count / 2) ? Math.fround(first + step * i) : Math.fround(last - step * (count - 1 - i)),
  );
}
