import { UserError } from '../../core/errors.ts';
import { OPTIMIZER_NAMES, type OptimizerName } from './config.ts';
import type { OptimizerSettings } from './optimizer-config.ts';

/** PyTorch's weight decays: what recipes use with SGD, and AdamW's default; Adam has none by default. */
const DEFAULT_WEIGHT_DECAY: Record<OptimizerName, number> = { sgd: 5e-4, adam: 0, adamw: 0.01 };
/** Peak learning rates that suit the optimisers with a one-cycle schedule. */
const DEFAULT_LEARNING_RATE: Record<OptimizerName, number> = { sgd: 0.1, adam: 0.001, adamw: 0.001 };

/** The options with which a command line says how weights are updated. */
export const OPTIMIZER_CLI_OPTIONS = {
  optim: { type: 'string', value: 'NAME', help: 'optimiser', default: 'sgd', choices: OPTIMIZER_NAMES },
  lr: { type: 'number', help: 'peak learning rate; default 0.1 for sgd, 0.001 for adam and adamw', min: 0 },
  momentum: { type: 'number', help: 'momentum of sgd', default: 0.9, min: 0, max: 1 },
  nesterov: { type: 'boolean', help: 'Nesterov momentum', default: false },
  'weight-decay': {
    type: 'number',
    help: 'L2 penalty (adamw: decoupled); default 0.0005 for sgd, 0 for adam, 0.01 for adamw',
    min: 0,
  },
  'no-bias-decay': {
    type: 'boolean',
    help: 'exempt biases and batch norm from weight decay',
    default: false,
  },
  'clip-norm': { type: 'number', help: "clip the gradient's L2 norm to this; 0: do not", default: 0, min: 0 },
  ema: {
    type: 'number',
    value: 'DECAY',
    help: 'evaluate and keep an exponential moving average of the weights; 0: none',
    default: 0,
    min: 0,
    max: 0.999999,
  },
} as const;

/** What {@link OPTIMIZER_CLI_OPTIONS} parse to. */
export interface OptimizerCliValues {
  optim: string;
  lr: number | undefined;
  momentum: number;
  nesterov: boolean;
  weightDecay: number | undefined;
  noBiasDecay: boolean;
  clipNorm: number;
  ema: number;
}

/**
 * The settings that the parsed options ask for.
 * @param given the options that were given and not left at their default
 * @throws UserError if an option does not belong to the optimiser
 */
export function optimizerSettings(
  options: OptimizerCliValues,
  given: ReadonlySet<string>,
): Required<Omit<OptimizerSettings, 'precision'>> & { learningRate: number } {
  const optimizer = options.optim as OptimizerName;
  if (optimizer !== 'sgd' && (given.has('momentum') || options.nesterov)) {
    throw new UserError(
      `--momentum and --nesterov are options of sgd; leave them out with --optim ${optimizer}`,
    );
  }
  if (options.nesterov && options.momentum === 0)
    throw new UserError('--nesterov needs a --momentum above 0');
  return {
    optimizer,
    learningRate: options.lr ?? DEFAULT_LEARNING_RATE[optimizer],
    momentum: options.momentum,
    nesterov: options.nesterov,
    weightDecay: options.weightDecay ?? DEFAULT_WEIGHT_DECAY[optimizer],
    noBiasDecay: options.noBiasDecay,
    clipNorm: options.clipNorm,
    emaDecay: options.ema,
  };
}
