import { UserError } from '../../core/errors.ts';
import type { StepBuilder, StepTensor } from '../lowering/ort/step-builder.ts';
import { sumOfVector } from './clip-gradient.ts';

/** How the loss is scaled so that float16 gradients neither vanish nor overflow. */
export interface LossScaling {
  initialScale: number;
  /** Steps without overflow after which the scale is doubled. */
  growthInterval: number;
}

/** As torch.amp.GradScaler's. */
export const DEFAULT_LOSS_SCALING: LossScaling = { initialScale: 65536, growthInterval: 2000 };
/** The state's vector [scale, steps since it last changed]. */
export const LOSS_SCALE_SLOT = 'loss_scale';
/** Where the gradient still overflows at this scale, it is not for the scale's sake. */
export const SMALLEST_SCALE = 2 ** -14;
const LARGEST_SCALE = 2 ** 24;
const LARGEST_FLOAT32 = 3.4028234663852886e38;

export interface ScaledStep {
  /** [], what the loss's gradient is multiplied by. */
  scale: StepTensor;
  /** [], since the scale last changed. */
  goodSteps: StepTensor;
}

/** Adds the input `loss_scale` [2]. */
export function readLossScale(b: StepBuilder): ScaledStep {
  const slot = b.input(LOSS_SCALE_SLOT, [2]);
  const entry = (index: number) => b.reshape(b.slice(slot, 0, index, index + 1), []);
  return { scale: entry(0), goodSteps: entry(1) };
}

export interface GuardedStep {
  /** [P], of the loss itself. */
  gradient: StepTensor;
  /** `next` where the gradient is finite, else `old`. */
  keep: (next: StepTensor, old: StepTensor) => StepTensor;
}

/**
 * Dynamic loss scaling, as torch.amp.GradScaler's: a step whose gradient is not finite changes nothing but the
 * scale, which it halves; `growthInterval` good steps in a row double it. Adds the output `next_loss_scale`.
 * @param scaled [P], the gradient of the scaled loss
 */
export function guardStep(
  b: StepBuilder,
  config: LossScaling,
  { scale, goodSteps }: ScaledStep,
  scaled: StepTensor,
): GuardedStep {
  const gradient = b.div(scaled, scale);
  const total = sumOfVector(b, b.unary('Abs', scaled));
  // False for NaN, too.
  const finite = b.node('LessOrEqual', [total, b.constant(LARGEST_FLOAT32)], []);
  const choose = (yes: StepTensor, no: StepTensor, condition = finite) =>
    b.node('Where', [condition, yes, no], yes.dims);
  const counted = b.add(goodSteps, b.constant(1));
  const due = b.node('GreaterOrEqual', [counted, b.constant(config.growthInterval)], []);
  const doubled = b.node('Min', [b.mul(scale, b.constant(2)), b.constant(LARGEST_SCALE)], []);
  const nextScale = choose(choose(doubled, scale, due), b.mul(scale, b.constant(0.5)));
  const nextCount = choose(choose(b.constant(0), counted, due), b.constant(0));
  b.output(`next_${LOSS_SCALE_SLOT}`, b.concat([b.reshape(nextScale, [1]), b.reshape(nextCount, [1])], 0));
  return { gradient, keep: (next, old) => choose(next, old) };
}

/**
 * Steps that overflow are skipped; when they go on doing so, whatever the loss scale, nothing is learned any more.
 * @throws UserError then
 */
export function checkLossScale(slots: Readonly<Record<string, Float32Array>>): void {
  const scale = slots[LOSS_SCALE_SLOT]?.[0];
  if (scale !== undefined && !(scale >= SMALLEST_SCALE)) {
    throw new UserError(
      'the gradient overflows float16 at every loss scale; lower --lr, raise the warm-up or train with --precision fp32',
    );
  }
}
