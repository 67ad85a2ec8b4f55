import { UserError } from '../core/errors.ts';
import type { TrainConfig } from './recipe/settings.ts';

/**
 * A run's config with more epochs, where the epochs already done are those that the longer run would have had.
 * @throws UserError if they are not, or there would be fewer
 */
export function withEpochs(config: TrainConfig, epochs: number): TrainConfig {
  if (epochs === config.epochs) return config;
  if (epochs < config.epochs) {
    throw new UserError(
      `--epochs ${epochs} is fewer than the ${config.epochs} of the run; leave it out, Ctrl-C stops and saves at any time`,
    );
  }
  const reason =
    config.schedule === 'onecycle' || config.schedule === 'cosine'
      ? `its --schedule ${config.schedule} spreads its rates over all ${config.epochs} epochs`
      : config.progressive.length > 0
        ? `its image sizes are shares of all ${config.epochs} epochs`
        : undefined;
  if (reason !== undefined) {
    throw new UserError(
      `--epochs ${epochs} cannot be given to this run: ${reason}, so that the epochs done would have been others; ` +
        `begin a new run with --epochs ${epochs}, or one with --schedule constant or multistep, which can be made longer`,
    );
  }
  return { ...config, epochs };
}
