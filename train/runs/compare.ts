import { formatPercent } from '../../core/cli/format.ts';
import { formatDuration } from '../../core/cli/progress.ts';
import type { DataRecord } from '../../core/data/run-record.ts';
import type { RunRecord } from './read-run.ts';
import { summarize } from './summary.ts';

/** A row of a comparison: a value of every run. */
export interface ComparisonRow {
  name: string;
  values: string[];
}

export interface Comparison {
  /** What differs in the runs' configs. */
  config: ComparisonRow[];
  results: ComparisonRow[];
}

/**
 * Whether runs were measured on other images, so that their accuracies are not to be compared; undefined if they were
 * not, or their configs do not say.
 */
export function measuredOnOthers(runs: readonly RunRecord[]): string | undefined {
  const hashes = runs.map(({ config, epochs }) => {
    const { hash } = (config.data ?? {}) as DataRecord;
    return hash?.[epochs.at(-1)?.evaluatedOn ?? 'test'];
  });
  const known = hashes
    .filter((hash) => hash !== undefined)
    .map(({ images, labels }) => `${images} ${labels}`);
  if (new Set(known).size < 2) return undefined;
  return (
    'their accuracies are not of the same images: of a folder without test/ each --seed holds out others unless --val-seed is given; ' +
    'with test/<class>/ all runs are measured on those'
  );
}

/** Sets runs side by side. */
export function compareRuns(runs: readonly RunRecord[]): Comparison {
  const summaries = runs.map(summarize);
  const row = (name: string, value: (summary: (typeof summaries)[0]) => string): ComparisonRow => ({
    name,
    values: summaries.map(value),
  });
  return {
    config: configDifferences(runs),
    results: [
      row('epochs', ({ epochsDone, epochsAsked }) => `${epochsDone}/${epochsAsked}`),
      row('best top-1', ({ bestTop1 }) => percentOrDash(bestTop1)),
      ...(summaries.some(({ bestTop5 }) => bestTop5 !== null)
        ? [row('top-5 then', ({ bestTop5 }) => percentOrDash(bestTop5))]
        : []),
      row('loss then', ({ bestTestLoss }) => bestTestLoss?.toFixed(4) ?? '-'),
      ...(summaries.some(({ bestOn }) => bestOn !== null) ? [row('on', ({ bestOn }) => bestOn ?? '-')] : []),
      row('best epoch', ({ bestEpoch }) => String(bestEpoch ?? '-')),
      row('images/s', ({ imagesPerSecond }) => imagesPerSecond?.toFixed(0) ?? '-'),
      row('time', ({ seconds }) => formatDuration(seconds)),
    ],
  };
}

/**
 * Names of runs as short as they still differ: what all of them begin with, up to a separator, is left out where that
 * is much. Names by default begin with the day.
 */
export function shortNames(names: readonly string[]): string[] {
  const [first = '', ...others] = names;
  let same = others.length === 0 ? 0 : first.length;
  for (const name of others) while (!name.startsWith(first.slice(0, same))) same--;
  const prefix = /^.*[-_/. ]/s.exec(first.slice(0, same))?.[0].length ?? 0;
  return names.map((name) => (prefix < 8 || name.length === prefix ? name : `…${name.slice(prefix)}`));
}

/** The config keys whose values are not the same in all runs, in the order of the configs. */
export function configDifferences(given: readonly Pick<RunRecord, 'config'>[]): ComparisonRow[] {
  const runs = given.map(({ config }) => ({ config: flattened(config) }));
  const keys = new Set(runs.flatMap(({ config }) => Object.keys(config)));
  return [...keys]
    .filter((key) => new Set(runs.map(({ config }) => JSON.stringify(config[key]))).size > 1)
    .map((name) => ({ name, values: tellingApart(runs.map(({ config }) => config[name])) }));
}

/** Each value as text: short, unless two that differ, and are no lists, would then look the same. */
function tellingApart(values: readonly unknown[]): string[] {
  const short = values.map(formatValue);
  if (values.some(Array.isArray)) return short;
  const whole = values.map((value) => (value === undefined ? '-' : JSON.stringify(value)));
  return new Set(short).size < new Set(whole).size ? whole : short;
}

/** With what is said of the data as keys of their own. */
function flattened({ data, ...config }: Record<string, unknown>): Record<string, unknown> {
  if (typeof data !== 'object' || data === null) return data === undefined ? config : { ...config, data };
  return {
    ...config,
    ...Object.fromEntries(Object.entries(data).map(([key, value]) => [`data.${key}`, value])),
  };
}

function formatValue(value: unknown): string {
  if (value === undefined) return '-';
  // A hundred class names would bury the rest.
  if (Array.isArray(value) && value.length > 3) {
    return `${value.length}: ${value.slice(0, 2).map(formatValue).join(', ')}, …`;
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value, rounded);
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

/** A column wider than this, in characters, would take a terminal's width for one run. */
const LONGEST = 28;

/** Means and deviations to the digits that tell them apart. */
function rounded(this: unknown, _key: string, value: unknown): unknown {
  return typeof value === 'number' && Array.isArray(this) ? Number(value.toPrecision(3)) : value;
}

/** A percentage, or a dash for what is not known. */
export function percentOrDash(fraction: number | null): string {
  return fraction === null ? '-' : formatPercent(fraction);
}
