import { UserError } from '../errors.ts';
import { PickleMachine } from './machine.ts';
import { OPCODES, STOP } from './opcodes.ts';
import { PickleError, PickleReader } from './reader.ts';
import type { PickleRules } from './rules.ts';

/*
 * Pickles of strangers are read with an allow-list (`rules.ts`): nothing in them is called or constructed, which is why
 * the reader is ours.
 */

/**
 * Nothing that is read comes near: a state dict of ResNet-152 with its optimiser takes 100,000, CIFAR's
 * training labels and file names 250,000. It bounds the memory that a file of one-byte "new dict" opcodes can
 * claim.
 */
const MAX_OPCODES = 1_000_000;

/**
 * Reads a Python pickle of protocol 2 to 5 (https://docs.python.org/3/library/pickletools.html), without
 * executing anything: where Python would import and call, the functions of `rules` are called, and only those.
 *
 * Values become: None null, int number (bigint beyond 2^53), str string, bytes Uint8Array (views of the input),
 * list and tuple arrays, set a Set, dict a Map, whose bytes keys become Latin-1 strings.
 * @param source what to call the pickle in an error, e.g. its path
 * @throws UserError if it is truncated, malformed, too long, or names anything that is not in `rules`
 */
export function unpickle(bytes: Uint8Array, rules: PickleRules, source: string): unknown {
  try {
    return unpickleAt(bytes, rules, 0).value;
  } catch (error) {
    if (error instanceof PickleError) throw new UserError(`${source} ${error.message}`);
    throw error;
  }
}

/**
 * Reads one of several pickles that lie end to end, as {@link unpickle} does.
 * @param offset where it starts
 * @returns the value, and the offset behind the pickle
 * @throws PickleError
 */
export function unpickleAt(
  bytes: Uint8Array,
  rules: PickleRules,
  offset: number,
): { value: unknown; end: number } {
  const reader = new PickleReader(bytes, offset);
  const machine = new PickleMachine(reader, rules);
  for (let step = 0; step < MAX_OPCODES; step++) {
    const code = reader.byte();
    if (code === STOP) return { value: machine.pop(), end: reader.position };
    const run = OPCODES.get(code);
    if (!run) {
      const hex = code.toString(16).padStart(2, '0');
      throw new PickleError(
        `has the byte 0x${hex} at offset ${reader.position - 1}, which is no pickle opcode that is read here`,
      );
    }
    run(machine);
  }
  throw new PickleError(`takes over ${MAX_OPCODES} pickle opcodes`);
}
