import { parseArgs } from 'node:util';
import { UserError } from '../errors.ts';

/** One command-line option. `default` absent means the option may be left out. */
export type OptionSpec = (
  | {
      type: 'string';
      value?: string;
      default?: string;
      choices?: readonly string[];
      /** What to do who wants none of the choices, e.g. `another net is trained with ...`. */
      otherwise?: string;
      /** Its value where none follows it; absent: it needs one. */
      alone?: string;
    }
  | { type: 'integer' | 'number'; value?: string; default?: number; min?: number; max?: number }
  | { type: 'boolean'; default?: boolean }
  /** A string that may be given several times; an empty list when it is left out. */
  | { type: 'list'; value?: string; default?: undefined }
) & {
  help: string;
  /** What other programs call it: not taken, but who gives one is told ours. */
  elsewhere?: readonly string[];
};

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
 * @throws UserError on an unknown option, a missing value or a value out of range, and on options that npm took for its
 *   own because no -- stood before them
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
  refuseSwallowed(command, argv);
  let values: Record<string, unknown>;
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({
      args: giveAlone(joinNegativeNumbers(argv, command.options), command.options),
      options: config,
      allowPositionals: command.positionals !== undefined,
      strict: true,
    }));
  } catch (error) {
    const see = `see npm run ${command.name} -- --help`;
    const unknown = unknownOption(argv, config);
    if (unknown !== undefined) {
      throw new UserError(`there is no option ${unknown}; ${suggestion(unknown, command.options) ?? see}`);
    }
    // Some of its messages go on for several lines of advice.
    throw new UserError(`${(error as Error).message.split(/\.\s/)[0]}; ${see}`);
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

/** Options of ours that npm has too: whether one is meant for it, or stands in a .npmrc, cannot be told. */
const NPMS_OWN = new Set(['json', 'key', 'force', 'cpu', 'yes']);

/** `npm run train --epochs=1` gives npm the option, and us nothing but a variable of the environment. */
function refuseSwallowed({ name, options }: CommandSpec<OptionTable>, argv: readonly string[]): void {
  if (process.env.npm_lifecycle_event !== name) return;
  const swallowed = Object.entries(options).flatMap(([option, spec]) => {
    const value = process.env[`npm_config_${option.replaceAll('-', '_')}`];
    if (value === undefined || NPMS_OWN.has(option)) return [];
    if (spec.type === 'boolean') return [value === '' ? `--no-${option}` : `--${option}`];
    // npm takes an option without an equals sign for a switch, and its value for an argument.
    return [`--${option} ${value === 'true' ? valueName(spec) : value}`];
  });
  if (swallowed.length === 0) return;
  const rest = swallowed.some((text) => /[A-Z]$/.test(text)) ? [] : argv;
  throw new UserError(
    `npm took ${swallowed.map((text) => text.split(' ')[0]).join(', ')} for its own; write -- before the options: npm run ${name} -- ${[...swallowed, ...rest].join(' ')}`,
  );
}

/** The first argument that looks like an option and is none, as it was typed up to an equals sign. */
function unknownOption(
  argv: readonly string[],
  known: Readonly<Record<string, unknown>>,
): string | undefined {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end))
    .filter((arg) => /^-+[a-z]/i.test(arg) && arg !== '-h')
    .map((arg) => arg.split('=')[0]!)
    .find((arg) => !arg.startsWith('--') || !Object.hasOwn(known, arg.slice(2)));
}

function suggestion(typed: string, options: OptionTable): string | undefined {
  const word = typed.replace(/^-+/, '').toLowerCase();
  const others = Object.entries(options).flatMap(([name, { elsewhere = [] }]) =>
    elsewhere.map((other) => [other, name] as const),
  );
  const meant = new Map([...others, ...Object.keys(options).map((name) => [name, name] as const)]);
  const near = nearest(word, [...meant.keys()]);
  return near === undefined ? undefined : `did you mean --${meant.get(near)}?`;
}

/**
 * What was probably meant: the word with the fewest letters other, left out, put in or changed over, or else the first
 * that begins so; undefined if none is near.
 */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  const best = words
    .map((word) => ({ word, distance: editDistance(typed, word) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const most = Math.floor(typed.length / 3);
  if (best !== undefined && best.distance <= most) return best.word;
  return typed.length >= 3 ? words.find((word) => word.startsWith(typed)) : undefined;
}

/** Optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const above = rows[i - 1]!;
      let least = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + Number(a[i - 1] !== b[j - 1]));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
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

/** Gives options that may stand alone, and do, their value. */
function giveAlone(argv: readonly string[], options: OptionTable): string[] {
  return argv.map((arg, i) => {
    const spec = arg.startsWith('--') ? options[arg.slice(2)] : undefined;
    const next = argv[i + 1];
    const isAlone = spec?.type === 'string' && spec.alone !== undefined && (next?.startsWith('-') ?? true);
    return isAlone ? `${arg}=${spec.alone}` : arg;
  });
}

function checkString(name: string, raw: string, spec: Extract<OptionSpec, { type: 'string' }>): string {
  if (raw === '') throw new UserError(`--${name} needs a value`);
  if (spec.choices && !spec.choices.includes(raw)) {
    const near = nearest(raw, spec.choices);
    const otherwise = spec.otherwise === undefined ? '' : `; ${spec.otherwise}`;
    const hint = near === undefined ? otherwise : `; did you mean ${near}?`;
    throw new UserError(`--${name} is ${spec.choices.join(', ')}, not "${raw}"${hint}`);
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
    const isOptional = spec.type === 'string' && spec.alone !== undefined;
    const value = spec.type === 'boolean' ? '' : isOptional ? ` [${valueName(spec)}]` : ` ${valueName(spec)}`;
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

/** What stands for an option's value. */
function valueName(spec: Exclude<OptionSpec, { type: 'boolean' }>): string {
  return spec.value ?? (spec.type === 'string' || spec.type === 'list' ? 'TEXT' : 'N');
}
