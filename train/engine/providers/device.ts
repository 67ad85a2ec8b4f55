import type { Provider } from './providers.ts';

/** Where the training steps of a run are computed. Decides nothing about the result but its rounding. */
export interface Device {
  provider: Provider;
  /** Steps run in one call; default what suits the provider. */
  stepsPerCall?: number;
}
