import { UserError } from '../errors.ts';
import { PickleMachine } from './machine.ts';
import { narrow, PickleError, PickleReader, printable } from './reader.ts';
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

type Opcode = (m: PickleMachine) => void;

/** The value of each opcode that stands for one, by its byte: None, a boolean, a number, text or bytes. */
const LITERALS: ReadonlyMap<number, (m: PickleMachine) => unknown> = new Map<
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

const NEWEST_PROTOCOL = 5;

const STOP = 0x2e;

/**
 * What each opcode that is read does, by its byte; names as in Python's pickletools. Of the text-only ones of
 * protocol 0 just the integers are read. STOP is the interpreter's own.
 */
const OPCODES: ReadonlyMap<number, Opcode> = new Map<number, Opcode>([
  ...[...LITERALS].map(([code, value]): [number, Opcode] => [code, (m) => m.push(value(m))]),
  [0x80, (m) => checkProtocol(m.reader.byte())], // PROTO
  // Only says how much to read ahead.
  [0x95, (m) => void m.reader.uint64()], // FRAME

  [0x28, (m) => m.mark()], // MARK
  [0x30, (m) => m.discard()], // POP
  [0x31, (m) => void m.popMark()], // POP_MARK
  [0x32, (m) => m.push(m.top())], // DUP

  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x6c, (m) => m.push(m.popMark())], // LIST
  [0x61, (m) => m.append(m.popMany(1))], // APPEND
  [0x65, (m) => m.append(m.popMark())], // APPENDS
  [0x29, (m) => m.push([])], // EMPTY_TUPLE
  [0x74, (m) => m.push(m.popMark())], // TUPLE
  [0x85, (m) => m.push(m.popMany(1))], // TUPLE1
  [0x86, (m) => m.push(m.popMany(2))], // TUPLE2
  [0x87, (m) => m.push(m.popMany(3))], // TUPLE3
  [0x7d, (m) => m.push(new Map())], // EMPTY_DICT
  [0x64, (m) => pushDict(m, m.popMark())], // DICT
  [0x73, (m) => m.setItems(m.popMany(2))], // SETITEM
  [0x75, (m) => m.setItems(m.popMark())], // SETITEMS
  [0x8f, (m) => m.push(new Set())], // EMPTY_SET
  [0x90, (m) => m.addToSet(m.popMark())], // ADDITEMS
  [0x91, (m) => m.push(new Set(m.popMark()))], // FROZENSET

  [0x71, (m) => m.memoize(m.reader.byte())], // BINPUT
  [0x72, (m) => m.memoize(m.reader.uint32())], // LONG_BINPUT
  [0x94, (m) => m.memoize()], // MEMOIZE
  [0x68, (m) => m.recall(m.reader.byte())], // BINGET
  [0x6a, (m) => m.recall(m.reader.uint32())], // LONG_BINGET

  [0x63, (m) => m.global(m.reader.line(), m.reader.line())], // GLOBAL
  [0x93, (m) => stackGlobal(m)], // STACK_GLOBAL
  [0x52, (m) => m.call()], // REDUCE
  // `cls.__new__(cls, *args)`: for what is allowed here the same as a call.
  [0x81, (m) => m.call()], // NEWOBJ
  [0x92, (m) => newObjectWithNames(m)], // NEWOBJ_EX
  [0x62, (m) => m.build()], // BUILD
  [0x51, (m) => m.persistent()], // BINPERSID
]);

function checkProtocol(protocol: number): void {
  if (protocol > NEWEST_PROTOCOL) throw new PickleError(`is of the unknown pickle protocol ${protocol}`);
}

function pushDict(m: PickleMachine, items: readonly unknown[]): void {
  m.push(new Map());
  m.setItems(items);
}

/** As NEWOBJ; what is given by name nothing here takes. */
function newObjectWithNames(m: PickleMachine): void {
  m.pop();
  m.call();
}

function stackGlobal(m: PickleMachine): void {
  const [module, name] = m.popMany(2);
  m.global(module, name);
}
