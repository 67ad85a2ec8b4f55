import { LITERALS } from './literals.ts';
import type { PickleMachine } from './machine.ts';
import { PickleError } from './pickle-error.ts';

type Opcode = (m: PickleMachine) => void;

const NEWEST_PROTOCOL = 5;

export const STOP = 0x2e;

/**
 * What each opcode that is read does, by its byte; names as in Python's pickletools. Of the text-only ones of
 * protocol 0 just the integers are read. STOP is the interpreter's own.
 */
export const OPCODES: ReadonlyMap<number, Opcode> = new Map<number, Opcode>([
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
