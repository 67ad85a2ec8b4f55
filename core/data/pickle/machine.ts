import { UserError } from '../../errors.ts';
import { readLiteral } from './literal.ts';
import { OPCODES } from './opcodes.ts';
import { PickleError, printable } from './pickle-error.ts';
import { PickleReader } from './reader.ts';
import { PickledObject, type PickleFunction, type PickleRules } from './rules.ts';

const NEWEST_PROTOCOL = 5;

/**
 * Reads a Python pickle of plain values, without executing anything: where Python would import and call,
 * the functions of `rules` are called, and only those.
 *
 * Values become: None null, int number (bigint beyond 2^53), str string, bytes and Python 2's str Uint8Array
 * (views of `bytes`), list and tuple arrays, dict a Map, whose bytes keys become Latin-1 strings.
 * @param source what to call the pickle in an error, e.g. its path
 * @throws UserError if it is truncated, malformed, or names anything that is not in `rules`
 */
export function unpickle(bytes: Uint8Array, rules: PickleRules, source: string): unknown {
  try {
    return new Machine(bytes, rules).run();
  } catch (error) {
    if (error instanceof PickleError) throw new UserError(`${source} ${error.message}`);
    throw error;
  }
}

/** The stack machine of https://github.com/python/cpython/blob/main/Lib/pickletools.py, in one pass. */
class Machine {
  readonly #reader: PickleReader;
  readonly #rules: PickleRules;
  readonly #memo = new Map<number, unknown>();
  /** The values since the last MARK, and below them those of the marks before. */
  #stack: unknown[] = [];
  readonly #marked: unknown[][] = [];

  constructor(bytes: Uint8Array, rules: PickleRules) {
    this.#reader = new PickleReader(bytes);
    this.#rules = rules;
  }

  run(): unknown {
    const reader = this.#reader;
    for (;;) {
      const opcode = reader.byte();
      if (opcode === OPCODES.STOP) return this.#pop();
      this.#execute(opcode);
    }
  }

  #execute(opcode: number): void {
    const reader = this.#reader;
    const literal = readLiteral(opcode, reader);
    if (literal !== undefined) {
      this.#push(literal);
      return;
    }
    switch (opcode) {
      case OPCODES.PROTO: {
        const protocol = reader.byte();
        if (protocol > NEWEST_PROTOCOL)
          throw new PickleError(`is of the unknown pickle protocol ${protocol}`);
        return;
      }
      case OPCODES.FRAME:
        // Only says how much to read ahead.
        reader.uint64();
        return;

      case OPCODES.EMPTY_TUPLE:
      case OPCODES.EMPTY_LIST:
        this.#push([]);
        return;
      case OPCODES.EMPTY_DICT:
        this.#push(new Map());
        return;
      case OPCODES.TUPLE1:
        this.#push(this.#popMany(1));
        return;
      case OPCODES.TUPLE2:
        this.#push(this.#popMany(2));
        return;
      case OPCODES.TUPLE3:
        this.#push(this.#popMany(3));
        return;
      case OPCODES.TUPLE:
      case OPCODES.LIST:
        this.#push(this.#popMark());
        return;
      case OPCODES.DICT: {
        const items = this.#popMark();
        const dict = new Map<unknown, unknown>();
        fillDict(dict, items);
        this.#push(dict);
        return;
      }
      case OPCODES.APPEND:
        this.#append(this.#popMany(1));
        return;
      case OPCODES.APPENDS:
        this.#append(this.#popMark());
        return;
      case OPCODES.SETITEM:
        this.#setItems(this.#popMany(2));
        return;
      case OPCODES.SETITEMS:
        this.#setItems(this.#popMark());
        return;

      case OPCODES.MARK:
        this.#marked.push(this.#stack);
        this.#stack = [];
        return;
      case OPCODES.POP:
        // Python pops the mark itself where nothing is above it.
        if (this.#stack.length === 0) this.#popMark();
        else this.#stack.pop();
        return;
      case OPCODES.POP_MARK:
        this.#popMark();
        return;
      case OPCODES.DUP:
        this.#push(this.#peek());
        return;

      case OPCODES.BINPUT:
        this.#memo.set(reader.byte(), this.#peek());
        return;
      case OPCODES.LONG_BINPUT:
        this.#memo.set(reader.uint32(), this.#peek());
        return;
      case OPCODES.MEMOIZE:
        this.#memo.set(this.#memo.size, this.#peek());
        return;
      case OPCODES.BINGET:
        this.#recall(reader.byte());
        return;
      case OPCODES.LONG_BINGET:
        this.#recall(reader.uint32());
        return;

      case OPCODES.GLOBAL: {
        const module = reader.line();
        this.#push(this.#global(module, reader.line()));
        return;
      }
      case OPCODES.STACK_GLOBAL: {
        const [module, name] = this.#popMany(2);
        if (typeof module !== 'string' || typeof name !== 'string') {
          throw new PickleError('is malformed: a name in it is no text');
        }
        this.#push(this.#global(module, name));
        return;
      }
      case OPCODES.REDUCE:
      case OPCODES.NEWOBJ:
        this.#call();
        return;
      case OPCODES.BUILD: {
        const state = this.#pop();
        const object = this.#peek();
        if (!(object instanceof PickledObject)) throw new PickleError('sets the state of a plain value');
        object.setState(state);
        return;
      }
      case OPCODES.BINPERSID: {
        const { persistentLoad } = this.#rules;
        if (!persistentLoad) throw new PickleError('refers to data outside of itself (a persistent id)');
        this.#push(persistentLoad(this.#pop()));
        return;
      }
      default:
        throw new PickleError(
          `has the byte 0x${opcode.toString(16).padStart(2, '0')} at offset ${reader.position - 1}, ` +
            'which is no pickle opcode that is read here',
        );
    }
  }

  #call(): void {
    const [callee, args] = this.#popMany(2);
    // Whatever is callable came from the table: nothing else pushes functions.
    if (typeof callee !== 'function' || !Array.isArray(args)) {
      throw new PickleError('calls something that is not a function');
    }
    this.#push((callee as PickleFunction)(args));
  }

  #global(module: string, name: string): PickleFunction {
    const full = `${module}.${name}`;
    const found = this.#rules.globals.get(full);
    if (found) return found;
    throw new PickleError(
      `refers to ${printable(full)}, which is not allowed: ` +
        `only ${[...this.#rules.globals.keys()].join(', ')} are`,
    );
  }

  #recall(index: number): void {
    if (!this.#memo.has(index)) throw new PickleError(`recalls value ${index}, which it never stored`);
    this.#push(this.#memo.get(index));
  }

  #append(items: unknown[]): void {
    const list = this.#peek();
    if (!Array.isArray(list)) throw new PickleError('appends to something that is not a list');
    for (const item of items) list.push(item);
  }

  #setItems(items: unknown[]): void {
    const dict = this.#peek();
    if (!(dict instanceof Map)) throw new PickleError('sets a key of something that is not a dict');
    fillDict(dict, items);
  }

  #push(value: unknown): void {
    this.#stack.push(value);
  }

  #peek(): unknown {
    if (this.#stack.length === 0) throw new PickleError('is malformed: it reads from an empty stack');
    return this.#stack[this.#stack.length - 1];
  }

  #pop(): unknown {
    const value = this.#peek();
    this.#stack.pop();
    return value;
  }

  #popMany(count: number): unknown[] {
    if (this.#stack.length < count) throw new PickleError('is malformed: it reads from an empty stack');
    return this.#stack.splice(-count);
  }

  #popMark(): unknown[] {
    const items = this.#stack;
    const below = this.#marked.pop();
    if (!below) throw new PickleError('is malformed: it goes back to a mark that it never set');
    this.#stack = below;
    return items;
  }
}

function fillDict(dict: Map<unknown, unknown>, items: readonly unknown[]): void {
  if (items.length % 2 !== 0) throw new PickleError('is malformed: a key has no value');
  for (let i = 0; i < items.length; i += 2) dict.set(keyOf(items[i]), items[i + 1]);
}

/** Keys of the same value must be one key: bytes become text, and what compares by identity is refused. */
function keyOf(key: unknown): unknown {
  if (key instanceof Uint8Array) return Buffer.from(key).toString('latin1');
  if (typeof key === 'object' && key !== null)
    throw new PickleError('has a dict key that is not a plain value');
  return key;
}
