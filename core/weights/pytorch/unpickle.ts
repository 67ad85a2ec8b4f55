import { UserError } from '../../errors.ts';
import { ByteReader } from './byte-reader.ts';
import { PickleMachine } from './pickle-machine.ts';
import { OPCODES } from './pickle-opcodes.ts';

/** What a pickle may name, and what its persistent ids stand for. */
export interface PickleEnvironment {
  /** The value of a global, e.g. of `collections.OrderedDict`. @throws UserError for one that is not allowed */
  findGlobal(module: string, name: string): unknown;
  /** The object of a persistent id. @throws UserError if it is malformed */
  loadPersistent(id: unknown): unknown;
}

/**
 * No state dict comes near: one of ResNet-152 with its optimiser takes 100,000. It bounds the memory that a
 * file of one-byte "new dict" opcodes can claim.
 */
const MAX_OPCODES = 1_000_000;

/**
 * Interprets a Python pickle (https://docs.python.org/3/library/pickletools.html) of protocol 2 to 5 as plain
 * data. Unlike Python's, this machine has nothing to execute: a global is only what `environment` returns for
 * its name. Tuples and lists become arrays, dicts Maps, bytes Uint8Arrays.
 * @param offset where the pickle starts
 * @returns the value, and the offset behind the pickle
 * @throws UserError if it is malformed, or uses a global or opcode that is not supported
 */
export function unpickle(
  bytes: Uint8Array,
  source: string,
  environment: PickleEnvironment,
  offset = 0,
): { value: unknown; end: number } {
  const reader = new ByteReader(bytes, source, offset);
  const machine = new PickleMachine(reader, environment, source);
  for (let step = 0; step < MAX_OPCODES; step++) {
    const code = reader.u8();
    if (code === STOP) return { value: machine.pop(), end: reader.offset };
    const run = OPCODES.get(code);
    if (!run) {
      const hex = code.toString(16).padStart(2, '0');
      throw new UserError(
        `${source} is damaged, or is a pickle of another kind: opcode 0x${hex} is not known`,
      );
    }
    run(machine);
  }
  throw new UserError(
    `${source} holds more than tensors: over ${MAX_OPCODES} pickle opcodes; save the state dict alone`,
  );
}

const STOP = 0x2e;
