import type { PickleMachine } from './machine.ts';
import { PickleError, printable } from './pickle-error.ts';
import { narrow } from './reader.ts';

/** The value of each opcode that stands for one, by its byte: None, a boolean, a number, text or bytes. */
export const LITERALS: ReadonlyMap<number, (m: PickleMachine) => unknown> = new Map<
  number,
  (m: PickleMachine) => unknown
>([
  [0x4e, () => null], // NONE
  [0x88, () => true], // NEWTRUE
  [0x89, () => false], // NEWFALSE
  [0x4a, ({ reader }) => reader.int32()], // BININT
  [0x4b, ({ reader }) => reader.byte()], // BININT1
  [0x4d, ({ reader }) => reader.uint16()], // BININT2
  [0x8a, ({ reader }) => reader.integer(reader.byte())], // LONG1
  [0x8b, ({ reader }) => reader.integer(reader.int32())], // LONG4
  [0x49, ({ reader }) => integerOf(reader.line())], // INT
  [0x4c, ({ reader }) => integerOf(reader.line())], // LONG
  [0x47, ({ reader }) => reader.float64()], // BINFLOAT

  [0x8c, ({ reader }) => reader.text(reader.byte())], // SHORT_BINUNICODE
  [0x58, ({ reader }) => reader.text(reader.uint32())], // BINUNICODE
  [0x8d, ({ reader }) => reader.text(reader.uint64())], // BINUNICODE8
  [0x55, (m) => byteString(m, m.reader.byte())], // SHORT_BINSTRING
  [0x54, (m) => byteString(m, m.reader.int32())], // BINSTRING
  [0x43, ({ reader }) => reader.bytes(reader.byte())], // SHORT_BINBYTES
  [0x42, ({ reader }) => reader.bytes(reader.uint32())], // BINBYTES
  [0x8e, ({ reader }) => reader.bytes(reader.uint64())], // BINBYTES8
  [0x96, ({ reader }) => reader.bytes(reader.uint64())], // BYTEARRAY8
]);

/** Python 2's `str`. */
function byteString({ reader, rules }: PickleMachine, length: number): Uint8Array | string {
  return rules.byteStrings === 'text' ? reader.text(length, 'latin1') : reader.bytes(length);
}

/** The text forms: `12`, Python 2's `12L`, and the booleans of protocol 0 and 1. */
function integerOf(line: string): number | bigint | boolean {
  if (line === '00' || line === '01') return line === '01';
  const digits = /^(-?\d+)L?$/.exec(line)?.[1];
  if (digits === undefined) throw new PickleError(`has ${printable(line)} where an integer should be`);
  return narrow(BigInt(digits));
}
