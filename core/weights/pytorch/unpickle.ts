import { UserError } from '../../errors.ts';
import { PickleError } from '../../pickle/pickle-error.ts';
import type { PickleRules } from '../../pickle/rules.ts';
import { unpickleAt } from '../../pickle/unpickle.ts';

/**
 * Reads one of a checkpoint's pickles as plain data; nothing is executed.
 * @param rules what it may name, see `checkpointRules`
 * @param offset where the pickle starts
 * @returns the value, and the offset behind the pickle
 * @throws UserError if it is malformed, or holds other Python objects
 */
export function unpickle(
  bytes: Uint8Array,
  source: string,
  rules: PickleRules,
  offset = 0,
): { value: unknown; end: number } {
  try {
    return unpickleAt(bytes, rules, offset);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new UserError(
      `${source} is damaged, or holds more than weights: its pickle ${error.message}; ` +
        'copy or download it again, or save the state dict alone',
    );
  }
}
