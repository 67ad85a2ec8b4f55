import type { PickleMachine } from './pickle-machine.ts';

type Opcode = (m: PickleMachine) => void;

/** Longer than any number in a checkpoint (PyTorch's own magic number has 10 bytes). */
const MAX_INTEGER_BYTES = 16;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
/** Python 2 strings: one character a byte. */
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function dictOf(m: PickleMachine, pairs: readonly unknown[]): void {
  m.push(new Map());
  m.setItems(pairs);
}

function integer(m: PickleMachine, length: number): void {
  if (length > MAX_INTEGER_BYTES) throw m.damaged();
  let value = 0n;
  for (const [i, byte] of m.reader.take(length).entries()) value |= BigInt(byte) << BigInt(8 * i);
  m.push(Number(BigInt.asIntN(8 * length, value)));
}

function global(m: PickleMachine, module: unknown, name: unknown): void {
  if (typeof module !== 'string' || typeof name !== 'string') throw m.damaged();
  m.push(m.environment.findGlobal(module, name));
}

/** Python's NEWOBJ, `cls.__new__(cls, *args)`: for the types allowed here the same as a call. */
const newObject: Opcode = (m) => m.reduce();

/** What each opcode does, by its byte; names as in Python's pickletools. STOP is the interpreter's own. */
export const OPCODES: ReadonlyMap<number, Opcode> = new Map<number, Opcode>([
  [0x80, (m) => void m.reader.u8()], // PROTO
  [0x95, (m) => void m.reader.take(8)], // FRAME
  [0x28, (m) => m.mark()], // MARK
  [0x30, (m) => void m.pop()], // POP
  [0x31, (m) => void m.popMark()], // POP_MARK
  [0x32, (m) => m.push(m.top())], // DUP

  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x4a, (m) => m.push(m.reader.i32())], // BININT
  [0x4b, (m) => m.push(m.reader.u8())], // BININT1
  [0x4d, (m) => m.push(m.reader.u16())], // BININT2
  [0x8a, (m) => integer(m, m.reader.u8())], // LONG1
  [0x8b, (m) => integer(m, m.reader.u32())], // LONG4
  [0x47, (m) => m.push(m.reader.f64BigEndian())], // BINFLOAT

  [0x8c, (m) => m.push(text(m.reader.take(m.reader.u8())))], // SHORT_BINUNICODE
  [0x58, (m) => m.push(text(m.reader.take(m.reader.u32())))], // BINUNICODE
  [0x8d, (m) => m.push(text(m.reader.take(m.reader.u64())))], // BINUNICODE8
  [0x55, (m) => m.push(latin1(m.reader.take(m.reader.u8())))], // SHORT_BINSTRING
  [0x54, (m) => m.push(latin1(m.reader.take(m.reader.u32())))], // BINSTRING
  [0x43, (m) => m.push(m.reader.take(m.reader.u8()))], // SHORT_BINBYTES
  [0x42, (m) => m.push(m.reader.take(m.reader.u32()))], // BINBYTES
  [0x8e, (m) => m.push(m.reader.take(m.reader.u64()))], // BINBYTES8

  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x61, (m) => appendOne(m)], // APPEND
  [0x65, (m) => appendMany(m)], // APPENDS
  [0x6c, (m) => m.push(m.popMark())], // LIST
  [0x29, (m) => m.push([])], // EMPTY_TUPLE
  [0x74, (m) => m.push(m.popMark())], // TUPLE
  [0x85, (m) => tuple(m, 1)], // TUPLE1
  [0x86, (m) => tuple(m, 2)], // TUPLE2
  [0x87, (m) => tuple(m, 3)], // TUPLE3
  [0x7d, (m) => m.push(new Map())], // EMPTY_DICT
  [0x64, (m) => dictOf(m, m.popMark())], // DICT
  [0x73, (m) => setOne(m)], // SETITEM
  [0x75, (m) => setMany(m)], // SETITEMS
  [0x8f, (m) => m.push(new Set())], // EMPTY_SET
  [0x90, (m) => addMany(m)], // ADDITEMS
  [0x91, (m) => m.push(new Set(m.popMark()))], // FROZENSET

  [0x63, (m) => global(m, m.reader.line(), m.reader.line())], // GLOBAL
  [0x93, (m) => stackGlobal(m)], // STACK_GLOBAL
  [0x52, (m) => m.reduce()], // REDUCE
  [0x81, newObject], // NEWOBJ
  // BUILD sets attributes: a state dict's versions (`_metadata`), which nothing here reads.
  [0x62, (m) => void m.pop()],
  [0x51, (m) => m.push(m.environment.loadPersistent(m.pop()))], // BINPERSID

  [0x71, (m) => m.memoize(m.reader.u8())], // BINPUT
  [0x72, (m) => m.memoize(m.reader.u32())], // LONG_BINPUT
  [0x94, (m) => m.memoize()], // MEMOIZE
  [0x68, (m) => m.recall(m.reader.u8())], // BINGET
  [0x6a, (m) => m.recall(m.reader.u32())], // LONG_BINGET
]);

function tuple(m: PickleMachine, length: number): void {
  const items: unknown[] = [];
  for (let i = 0; i < length; i++) items.unshift(m.pop());
  m.push(items);
}

function appendOne(m: PickleMachine): void {
  const item = m.pop();
  m.append([item]);
}

function appendMany(m: PickleMachine): void {
  const items = m.popMark();
  m.append(items);
}

function setOne(m: PickleMachine): void {
  const value = m.pop();
  const key = m.pop();
  m.setItems([key, value]);
}

function setMany(m: PickleMachine): void {
  const pairs = m.popMark();
  m.setItems(pairs);
}

function addMany(m: PickleMachine): void {
  const items = m.popMark();
  m.addToSet(items);
}

function stackGlobal(m: PickleMachine): void {
  const name = m.pop();
  const module = m.pop();
  global(m, module, name);
}
