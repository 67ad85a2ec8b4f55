import { PickleError, type PickleReader, printable } from './reader.ts';
import { PickledObject, type PickleFunction, type PickleRules } from './rules.ts';

/** The stack, marks and memo of a pickle being read. Nothing in it recurses, so nesting costs no stack. */
export class PickleMachine {
  readonly #memo = new Map<number, unknown>();
  /** The values since the last mark, and below them those of the marks before. */
  #stack: unknown[] = [];
  readonly #marked: unknown[][] = [];

  constructor(
    readonly reader: PickleReader,
    readonly rules: PickleRules,
  ) {}

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    const value = this.top();
    this.#stack.pop();
    return value;
  }

  popMany(count: number): unknown[] {
    if (this.#stack.length < count) throw emptyStack();
    return this.#stack.splice(-count);
  }

  top(): unknown {
    if (this.#stack.length === 0) throw emptyStack();
    return this.#stack[this.#stack.length - 1];
  }

  mark(): void {
    this.#marked.push(this.#stack);
    this.#stack = [];
  }

  /** Takes the values above the last mark, and the mark. */
  popMark(): unknown[] {
    const items = this.#stack;
    const below = this.#marked.pop();
    if (!below) throw new PickleError('is malformed: it goes back to a mark that it never set');
    this.#stack = below;
    return items;
  }

  /** Drops the value on top, or as Python does the mark itself where nothing is above it. */
  discard(): void {
    if (this.#stack.length === 0) this.popMark();
    else this.#stack.pop();
  }

  memoize(index: number = this.#memo.size): void {
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw new PickleError(`recalls value ${index}, which it never stored`);
    this.push(this.#memo.get(index));
  }

  append(items: readonly unknown[]): void {
    const list = this.top();
    if (list instanceof PickledObject && list.add) list.add(items);
    else if (Array.isArray(list)) for (const item of items) list.push(item);
    else throw new PickleError('appends to something that is not a list');
  }

  addToSet(items: readonly unknown[]): void {
    const set = this.top();
    if (set instanceof Set) for (const item of items) set.add(item);
    else if (set instanceof PickledObject && set.add) set.add(items);
    else throw new PickleError('adds to something that is not a set');
  }

  /** @param items keys and values in turn */
  setItems(items: readonly unknown[]): void {
    const dict = this.top();
    if (items.length % 2 !== 0) throw new PickleError('is malformed: a key has no value');
    if (dict instanceof PickledObject && dict.setItems) {
      dict.setItems(items);
      return;
    }
    if (!(dict instanceof Map)) throw new PickleError('sets a key of something that is not a dict');
    for (let i = 0; i < items.length; i += 2) dict.set(this.#key(items[i]), items[i + 1]);
  }

  /** Keys of the same value must be one key: bytes become text, and what compares by identity is refused. */
  #key(key: unknown): unknown {
    if (key instanceof Uint8Array) return Buffer.from(key).toString('latin1');
    if (!this.rules.lenient && typeof key === 'object' && key !== null) {
      throw new PickleError('has a dict key that is not a plain value');
    }
    return key;
  }

  global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw new PickleError('is malformed: a name in it is no text');
    }
    const full = `${module}.${name}`;
    const { globals, unknownGlobal } = this.rules;
    if (globals.has(full)) {
      this.push(globals.get(full));
      return;
    }
    if (unknownGlobal) {
      this.push(unknownGlobal(full));
      return;
    }
    throw new PickleError(
      `refers to ${printable(full)}, which is not allowed: only ${[...globals.keys()].join(', ')} are`,
    );
  }

  /** Calls the function below the top with the tuple on top. */
  call(): void {
    const [callee, args] = this.popMany(2);
    if (callee instanceof PickledObject && callee.call && Array.isArray(args)) {
      this.push(callee.call(args));
      return;
    }
    // Whatever is callable came from the rules: nothing else pushes functions.
    if (typeof callee !== 'function' || !Array.isArray(args)) {
      throw new PickleError('calls something that is not a function');
    }
    this.push((callee as PickleFunction)(args));
  }

  /** Gives the state on top to the object below it. */
  build(): void {
    const state = this.pop();
    const object = this.top();
    if (object instanceof PickledObject) object.setState(state);
    else if (!this.rules.lenient) throw new PickleError('sets the state of a plain value');
  }

  persistent(): void {
    const { persistentLoad } = this.rules;
    if (!persistentLoad) throw new PickleError('refers to data outside of itself (a persistent id)');
    this.push(persistentLoad(this.pop()));
  }
}

function emptyStack(): PickleError {
  return new PickleError('is malformed: it reads from an empty stack');
}
