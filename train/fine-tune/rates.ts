import { UserError } from '../../core/errors.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import type { TrainConfig } from '../recipe/settings.ts';
import { findHead } from './head.ts';

/** The part of a run's config that decides how fast which parameter is trained; what is left out is off. */
export type RateSettings = Partial<
  Pick<TrainConfig, 'from' | 'batchNorm' | 'head' | 'headLr' | 'lrDecay' | 'biasLr' | 'freeze'>
>;

/** Which input of an operator is added to its channels. */
const BIAS_INPUT: Record<string, number> = { Conv: 2, BatchNormalization: 2 };

/**
 * By what each parameter's learning rate is multiplied, where that is not 1: 0 for frozen ones, which then are no part
 * of the backward pass either; `lrDecay` to the power of how many layers come between a parameter and the head
 * (Clark et al. 2020, arXiv:2003.10555; Bao et al. 2021, arXiv:2106.08254); `headLr` for the head; `biasLr` for what is
 * added to a channel: batch norm's and convs' biases.
 * @throws UserError if a pattern of `freeze` fits no parameter, or nothing is left to train
 */
export function parameterRates(
  model: Graph,
  { head, headLr = 1, lrDecay = 1, biasLr = 1, freeze = [] }: RateSettings,
): Record<string, number> {
  if (headLr === 1 && lrDecay === 1 && biasLr === 1 && freeze.length === 0) return {};
  const { parameters } = initializerRoles(model);
  const found = findHead(model, head);
  const ofHead = new Set([found.weight, found.bias]);
  const layers = [...new Set(parameters.filter((name) => !ofHead.has(name)).map(layerOf))];
  const biases = new Set(model.nodes.map(({ op, inputs }) => inputs[BIAS_INPUT[op] ?? -1]));
  const frozen = frozenParameters(parameters, freeze);
  if (parameters.every((name) => frozen.has(name))) {
    throw new UserError(`--freeze ${freeze.join(',')} leaves nothing to train`);
  }
  const rates = parameters.map((name): [string, number] => {
    if (frozen.has(name)) return [name, 0];
    if (ofHead.has(name)) return [name, headLr];
    const ofKind = biases.has(name) ? biasLr : 1;
    return [name, ofKind * lrDecay ** (layers.length - layers.indexOf(layerOf(name)))];
  });
  return Object.fromEntries(rates.filter(([, rate]) => rate !== 1));
}

/**
 * The layer a parameter belongs to, as its name tells: up to the last number with which exporters count modules in
 * modules, but no more than two (`layer1.0.conv1.weight` is of `layer1.0`, `features.3.conv.0.0.weight` of `features.3`);
 * without one, all but the last part.
 */
function layerOf(name: string): string {
  const parts = name.split(/[./]/);
  const counted = parts.findIndex((part, i) => i > 0 && /^\d+$/.test(part));
  return parts.slice(0, counted > 0 ? counted + 1 : Math.max(1, parts.length - 1)).join('.');
}

/** Those that a pattern fits: a name, or the beginning of one up to a dot; `*` stands for anything. */
function frozenParameters(parameters: readonly string[], patterns: readonly string[]): Set<string> {
  const frozen = new Set<string>();
  for (const pattern of patterns) {
    const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
    const fits = new RegExp(`^${escaped}(?:[./].*)?$`);
    const found = parameters.filter((name) => fits.test(name));
    if (found.length === 0) {
      const first = parameters.slice(0, 3).join(', ');
      throw new UserError(
        `--freeze ${pattern} fits none of the ${parameters.length} parameters: ${first}, ...`,
      );
    }
    for (const name of found) frozen.add(name);
  }
  return frozen;
}
