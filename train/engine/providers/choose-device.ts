import { UserError } from '../../../core/errors.ts';
import type { Settings } from '../../recipe/settings.ts';
import type { Device } from './device.ts';
import { PROVIDERS } from './providers.ts';

/**
 * The device that the settings ask for, or the CPU where that cannot be used here.
 * @param warn told in one line if it is not what was asked for
 * @throws UserError if the settings contradict each other, or the device has no float16 and the run needs it
 */
export async function chooseDevice(
  { provider, stepsPerCall, precision }: Pick<Settings, 'provider' | 'stepsPerCall' | 'precision'>,
  warn: (line: string) => void,
): Promise<Device> {
  const { label, needs, keepsState } = PROVIDERS[provider];
  if (keepsState && stepsPerCall !== undefined && stepsPerCall > 1) {
    throw new UserError(
      `--steps-per-call saves nothing with ${provider}, where the state stays on the device; leave it out`,
    );
  }
  const steps = stepsPerCall === undefined ? {} : { stepsPerCall };
  const slow = precision === 'fp16' ? ', which only emulates float16: --precision fp32 is faster there' : '';
  if (provider === 'cpu') {
    if (slow) warn(`training on the cpu${slow}`);
    return { provider, ...steps };
  }
  const { probeProvider } = await import('./probe.ts');
  const trouble = await probeProvider(provider);
  if (trouble !== undefined) {
    warn(
      `--provider ${provider} cannot be used (${trouble}), so the cpu trains${slow}; ${label} needs ${needs}`,
    );
    return { provider: 'cpu', ...steps };
  }
  if (precision === 'fp16') {
    const halfTrouble = await probeProvider(provider, precision);
    if (halfTrouble !== undefined) {
      throw new UserError(
        `${label} cannot compute in float16 here (${halfTrouble}); train with --precision fp32`,
      );
    }
  }
  return { provider, ...steps };
}
