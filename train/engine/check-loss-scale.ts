import { UserError } from '../../core/errors.ts';
import { LOSS_SCALE_SLOT, SMALLEST_SCALE } from '../step/loss-scaling.ts';
import type { TrainingState } from './state.ts';

/**
 * Steps that overflow are skipped; when they go on doing so, whatever the loss scale, nothing is learned any more.
 * @throws UserError then
 */
export function checkLossScale(slots: TrainingState['slots']): void {
  const scale = slots[LOSS_SCALE_SLOT]?.[0];
  if (scale !== undefined && !(scale >= SMALLEST_SCALE)) {
    throw new UserError(
      'the gradient overflows float16 at every loss scale; lower --lr, raise the warm-up or train with --precision fp32',
    );
  }
}
