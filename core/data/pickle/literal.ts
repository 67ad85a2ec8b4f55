import { OPCODES } from './opcodes.ts';
import { PickleError, printable } from './pickle-error.ts';
import { narrow, type PickleReader } from './reader.ts';

/**
 * The value of an opcode that stands for one: None, a boolean, a number, text or bytes.
 * @returns undefined for every other opcode, of which nothing is read then
 */
export function readLiteral(opcode: number, reader: PickleReader): unknown {
  switch (opcode) {
    case OPCODES.NONE:
      return null;
    case OPCODES.NEWTRUE:
      return true;
    case OPCODES.NEWFALSE:
      return false;
    case OPCODES.BININT:
      return reader.int32();
    case OPCODES.BININT1:
      return reader.byte();
    case OPCODES.BININT2:
      return reader.uint16();
    case OPCODES.LONG1:
      return reader.integer(reader.byte());
    case OPCODES.INT:
    case OPCODES.LONG:
      return integerOf(reader.line());
    case OPCODES.BINFLOAT:
      return reader.float64();
    case OPCODES.SHORT_BINSTRING:
    case OPCODES.SHORT_BINBYTES:
      return reader.bytes(reader.byte());
    case OPCODES.BINSTRING:
      return reader.bytes(reader.int32());
    case OPCODES.BINBYTES:
      return reader.bytes(reader.uint32());
    case OPCODES.BINBYTES8:
      return reader.bytes(reader.uint64());
    case OPCODES.SHORT_BINUNICODE:
      return reader.text(reader.byte());
    case OPCODES.BINUNICODE:
      return reader.text(reader.uint32());
    case OPCODES.BINUNICODE8:
      return reader.text(reader.uint64());
    default:
      return undefined;
  }
}

/** The text forms: `12`, Python 2's `12L`, and the booleans of protocol 0 and 1. */
function integerOf(line: string): number | bigint | boolean {
  if (line === '00' || line === '01') return line === '01';
  const digits = /^(-?\d+)L?$/.exec(line)?.[1];
  if (digits === undefined) throw new PickleError(`has ${printable(line)} where an integer should be`);
  return narrow(BigInt(digits));
}
