import { parseArgs } from 'node:util';
import { UserError } from '../errors.ts';

/** One command-line option. `default` absent means the option may be left out. */
export type OptionSpec =
  | { type: 'string'; help: string; value?: string; default?: string; choices?: readonly string[] }
  | { type: 'integer' | 'number'; help: string; value?: string; default?: number; min?: number; max?: number }
  | { type: 'boolean'; help: string; default?: boolean }
  /** A string that may be given several times; an empty list when it is left out. */
  | { type: 'list'; help: string; value?: string; default?: undefined };

export type OptionTable = Record<string, OptionSpec>;

type ValueOf<S extends OptionSpec> = S extends { type: 'string' }
  ? string
  : S extends { type: 'boolean' }
    ? boolean
    : S extends { type: 'list' }
      ? string[]
      : number;

type Camel<K extends string> = K extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}` : K;

/** The parsed options, keys in camelCase; an option without a default may be undefined. */
export type ParsedOptions<T extends OptionTable> = {
  [K in keyof T & string as Camel<K>]: T[K] extends { default: string | number | boolean } | { type: 'list' }
    ? ValueOf<T[K]>
    : ValueOf<T[K]> | undefined;
};

export interface CommandSpec<T extends OptionTable> {
  /** The npm script's name, e.g. `train`. */
  name: string;
  /** One sentence for the head of `--help`. */
  summary: string;
  options: T;
  /** What the positional arguments are, e.g. `FILE...`; absent: none are taken. */
  positionals?: string;
}

/** Thrown by {@link parseOptions} on `--help`; carries the text to print. */
export class HelpRequested extends Error {}

/**
 * Parses `argv` (without node and script) against the table.
 * Booleans are also accepted negated (`--no-flip`). `--help` throws {@link HelpRequested}.
 * @throws UserError on an unknown option, a missing value or a value out of range.
 */
export function parseOptions<const T extends OptionTable>(
  command: CommandSpec<T>,
  argv: readonly string[],
): { options: ParsedOptions<T>; positionals: string[]; given: Set<string> } {
  const config: Record<string, { type: 'string' | 'boolean'; short?: string; multiple?: boolean }> = {
    help: { type: 'boolean', short: 'h' },
  };
  for (const [name, spec] of Object.entries(command.options)) {
    config[name] = {
      type: spec.type === 'boolean' ? 'boolean' : 'string',
      multiple: spec.type === 'list',
    };
    if (spec.type === 'boolean') config[`no-${name}`] = { type: 'boolean' };
  }
  let values: Record<string, unknown>;
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({
      args: joinNegativeNumbers(argv, command.options),
      options: config,
      allowPositionals: command.positionals !== undefined,
      strict: true,
    }));
  } catch (error) {
    // Some of its messages go on for several lines of advice.
    const reason = (error as Error).message.split(/\.\s/)[0];
    throw new UserError(`${reason}; see npm run ${command.name} -- --help`);
  }
  if (values.help) throw new HelpRequested(helpText(command));

  const parsed: Record<string, string | string[] | number | boolean | undefined> = {};
  const given = new Set<string>();
  for (const [name, spec] of Object.entries(command.options)) {
    const key = camelCase(name);
    const raw = values[name];
    if (spec.type === 'boolean') {
      const negated = values[`no-${name}`] === true;
      if (raw === true || negated) given.add(key);
      parsed[key] = negated ? false : raw === true ? true : spec.default;
      continue;
    }
    if (raw === undefined) {
      parsed[key] = spec.type === 'list' ? [] : spec.default;
      continue;
    }
    given.add(key);
    if (spec.type === 'list') {
      parsed[key] = (raw as string[]).map((value) => checkString(name, value, { type: 'string', help: '' }));
      continue;
    }
    parsed[key] =
      spec.type === 'string'
        ? checkString(name, raw as string, spec)
        : checkNumber(name, raw as string, spec);
  }
  return { options: parsed as ParsedOptions<T>, positionals, given };
}

/** The key of an option's value: `batchSize` of `batch-size`. */
export function camelCase(option: string): string {
  return option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The name of an option as it is typed, without its hyphens in front: `batch-size` of `batchSize`. */
export function kebabCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** util.parseArgs takes `-1` for an option; join it to the option it follows (`--lr -1` -> `--lr=-1`). */
function joinNegativeNumbers(argv: readonly string[], options: OptionTable): string[] {
  const out: string[] = [];
  for (const arg of argv) {
    const previous = out.at(-1);
    const spec = previous?.startsWith('--') ? options[previous.slice(2)] : undefined;
    if (spec && spec.type !== 'boolean' && /^-[\d.]/.test(arg)) out[out.length - 1] = `${previous}=${arg}`;
    else out.push(arg);
  }
  return out;
}

function checkString(name: string, raw: string, spec: Extract<OptionSpec, { type: 'string' }>): string {
  if (raw === '') throw new UserError(`--${name} needs a value`);
  if (spec.choices && !spec.choices.includes(raw)) {
    throw new UserError(`--${name} is ${spec.choices.join(', ')}, not "${raw}"`);
  }
  return raw;
}

function checkNumber(
  name: string,
  raw: string,
  spec: Extract<OptionSpec, { type: 'integer' | 'number' }>,
): number {
  const value = raw.trim() === '' ? Number.NaN : Number(raw);
  const whole = spec.type === 'integer';
  if (!Number.isFinite(value) || (whole && !Number.isSafeInteger(value))) {
    throw new UserError(`--${name} takes a ${whole ? 'whole ' : ''}number, not "${raw}"`);
  }
  if (spec.min !== undefined && value < spec.min)
    throw new UserError(`--${name} must be at least ${spec.min}`);
  if (spec.max !== undefined && value > spec.max)
    throw new UserError(`--${name} must be at most ${spec.max}`);
  return value;
}

/** The text of `--help`: usage, then a line an option with its default. */
export function helpText(command: CommandSpec<OptionTable>): string {
  const rows = Object.entries(command.options).map(([name, spec]) => {
    const value =
      spec.type === 'boolean'
        ? ''
        : ` ${spec.value ?? (spec.type === 'string' || spec.type === 'list' ? 'TEXT' : 'N')}`;
    const notes: string[] = [];
    if (spec.type === 'list') notes.push('may be repeated');
    if (spec.type === 'string' && spec.choices) notes.push(`one of ${spec.choices.join(', ')}`);
    if (spec.default !== undefined) notes.push(`default ${spec.default}`);
    // A switch that is on already is only useful negated.
    const flag = spec.type === 'boolean' && spec.default === true ? `[no-]${name}` : name;
    return [`--${flag}${value}`, spec.help + (notes.length > 0 ? ` (${notes.join('; ')})` : '')] as const;
  });
  const width = Math.max(...rows.map(([flag]) => flag.length), 6);
  return [
    command.summary,
    '',
    `Usage: npm run ${command.name} -- [options]${command.positionals ? ` ${command.positionals}` : ''}`,
    '',
    ...rows.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`),
    `  ${'--help'.padEnd(width)}  this text`,
  ].join('\n');
}
