import { UserError } from '../../core/errors.ts';
import { RELEASES, TENSORFLOW_VERSION, type Variant, variantOf } from './release.ts';

/** A Python distribution by its metadata folder. */
export interface Distribution {
  /** `tensorflow_cpu-2.15.1.dist-info` */
  folder: string;
  name: string;
  version: string;
}

/** The distribution among the paths of a wheel; undefined if there is no metadata folder. */
export function parseDistInfo(paths: Iterable<string>): Distribution | undefined {
  for (const path of paths) {
    const match = /^(([\w.]+)-([\w.+!]+)\.dist-info)(\/|$)/.exec(path);
    if (match) return { folder: match[1]!, name: match[2]!.toLowerCase(), version: match[3]! };
  }
  return undefined;
}

/**
 * Which build a distribution is.
 * @param source what to call it in the message
 * @throws UserError if it is not the TensorFlow that the binding is built against
 */
export function checkDistribution(distribution: Distribution, source: string): Variant {
  const variant = variantOf(distribution.name);
  if (variant === undefined || distribution.version !== TENSORFLOW_VERSION) {
    throw new UserError(
      `${source} is ${distribution.name} ${distribution.version}; needed is ` +
        `${RELEASES.cpu.package} or ${RELEASES.gpu.package} ${TENSORFLOW_VERSION}`,
    );
  }
  return variant;
}
