import { UserError } from '../errors.ts';

/** Reads values out of a model's `metadata_props`, with errors that name model and key. */
export class PropsReader {
  readonly #props: Readonly<Record<string, string>>;
  readonly #source: string;

  /** @param source what to call the model in an error, e.g. its path */
  constructor(props: Readonly<Record<string, string>>, source: string) {
    this.#props = props;
    this.#source = source;
  }

  has(key: string): boolean {
    return this.#props[key] !== undefined;
  }

  /** @throws UserError, as all that follow, if the key is missing or its value malformed */
  text(key: string): string {
    const value = this.#props[key];
    if (value === undefined) {
      throw new UserError(`${this.#source} has no metadata "${key}"; export it with npm run export`);
    }
    return value;
  }

  json(key: string): unknown {
    const text = this.text(key);
    try {
      return JSON.parse(text);
    } catch {
      throw new UserError(`${this.#source}: metadata "${key}" is not JSON`);
    }
  }

  /** One of some words. */
  choice<T extends string>(key: string, choices: readonly T[]): T {
    const value = this.text(key);
    const choice = choices.find((known) => known === value);
    if (choice !== undefined) return choice;
    throw new UserError(`${this.#source}: metadata "${key}" must be ${choices.join(' or ')}`);
  }

  triple(key: string): [number, number, number] {
    const value = this.json(key);
    if (!Array.isArray(value) || value.length !== 3 || !value.every((v) => Number.isFinite(v))) {
      throw new UserError(`${this.#source}: metadata "${key}" must be three numbers`);
    }
    return value as [number, number, number];
  }

  /** A size in pixels. */
  size(key: string): number {
    const value = Number(this.text(key));
    if (!Number.isInteger(value) || value < 1 || value > 4096) {
      throw new UserError(`${this.#source}: metadata "${key}" must be a size in pixels from 1 to 4096`);
    }
    return value;
  }

  names(key: string): string[] {
    const value = this.json(key);
    if (!Array.isArray(value) || value.length === 0 || !value.every((name) => typeof name === 'string')) {
      throw new UserError(`${this.#source}: metadata "${key}" must be a list of names`);
    }
    return value;
  }
}
