import { UserError } from '../../../core/errors.ts';
import { PRECISION_NAMES, type Precision } from '../../precision.ts';
import type { Device } from './device.ts';
import { PROVIDER_NAMES, PROVIDERS, type Provider } from './providers.ts';

/** The options with which a command line says what computes the training steps, and in what precision. */
export const DEVICE_CLI_OPTIONS = {
  provider: {
    type: 'string',
    value: 'NAME',
    help: 'execution provider of onnxruntime (ort only); where it cannot be used, the cpu trains',
    default: 'cpu',
    choices: PROVIDER_NAMES,
  },
  precision: {
    type: 'string',
    value: 'NAME',
    help: 'fp16: convolutions and matrix products in float16, with a dynamic loss scale (ort only); bf16: convolutions in bfloat16 (tfjs only)',
    default: 'fp32',
    choices: PRECISION_NAMES,
  },
  'steps-per-call': {
    type: 'integer',
    help: 'steps run in one call of onnxruntime; default 16 with cuda, else 1',
    min: 1,
    max: 1024,
  },
} as const;

/** What {@link DEVICE_CLI_OPTIONS} parse to, as far as they choose the device. */
export interface DeviceCliValues {
  provider: string;
  stepsPerCall: number | undefined;
}

/**
 * The device that the parsed options ask for, or the CPU where that cannot be used here.
 * @param precision of the run, which may be an older one's
 * @param warn told in one line if it is not what was asked for
 * @throws UserError if the options contradict each other, or the device has no float16 and the run needs it
 */
export async function chooseDevice(
  values: DeviceCliValues,
  precision: Precision,
  warn: (line: string) => void,
): Promise<Device> {
  const provider = values.provider as Provider;
  const { label, needs, keepsState } = PROVIDERS[provider];
  const { stepsPerCall } = values;
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
