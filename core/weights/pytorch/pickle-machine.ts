import { UserError } from '../../errors.ts';
import type { ByteReader } from './byte-reader.ts';
import type { PickleEnvironment } from './unpickle.ts';

/** A global that may be called; what it returns is data. */
export class PickleFunction {
  constructor(
    readonly name: string,
    readonly call: (args: readonly unknown[]) => unknown,
  ) {}
}

/** A Python object of which nothing is needed, e.g. a NumPy scalar beside the weights. */
export class Opaque {
  constructor(readonly name: string) {}
}

/** The stack, marks and memo of a pickle being read. Nothing in it recurses, so nesting costs no stack. */
export class PickleMachine {
  readonly #stack: unknown[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(
    readonly reader: ByteReader,
    readonly environment: PickleEnvironment,
    readonly source: string,
  ) {}

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    // A mark guards what is below it, as in Python.
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw this.damaged();
    return this.#stack.pop();
  }

  top(): unknown {
    if (this.#stack.length === 0) throw this.damaged();
    return this.#stack.at(-1);
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  /** Takes the values above the last mark, and the mark. */
  popMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.damaged();
    return this.#stack.splice(mark);
  }

  memoize(index: number = this.#memo.size): void {
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw this.damaged();
    this.push(this.#memo.get(index));
  }

  /** Calls the function below the top with the tuple on top. */
  reduce(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!Array.isArray(args) || !(callee instanceof PickleFunction)) throw this.damaged();
    this.push(callee.call(args));
  }

  setItems(pairs: readonly unknown[]): void {
    const target = this.top();
    if (!(target instanceof Map) || pairs.length % 2 !== 0) throw this.damaged();
    for (let i = 0; i < pairs.length; i += 2) target.set(pairs[i], pairs[i + 1]);
  }

  append(items: readonly unknown[]): void {
    const target = this.top();
    if (!Array.isArray(target)) throw this.damaged();
    for (const item of items) target.push(item);
  }

  addToSet(items: readonly unknown[]): void {
    const target = this.top();
    if (!(target instanceof Set)) throw this.damaged();
    for (const item of items) target.add(item);
  }

  damaged(): UserError {
    return new UserError(`${this.source} is damaged: its pickle makes no sense; copy or download it again`);
  }
}
