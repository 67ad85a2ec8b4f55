import { printable } from '../../core/cli/printable.ts';
import { formatDuration } from '../../core/cli/progress.ts';
import { textTable } from '../../core/cli/text-table.ts';
import { UserError } from '../../core/errors.ts';
import { flagOf } from '../recipe/command-line.ts';
import { SETTINGS } from '../recipe/settings.ts';
import { percentOrDash } from './compare.ts';
import type { RunRecord } from './read-run.ts';
import { type RunSummary, summarize } from './summary.ts';

export const SORT_CHOICES = ['top1', 'time', 'name'] as const;
export type SortBy = (typeof SORT_CHOICES)[number];

/** The runs' summaries: best top-1 first, or the last to change first, or by name. */
export function sortedSummaries(runs: readonly RunRecord[], by: SortBy): RunSummary[] {
  const rows = runs.map((run) => ({ summary: summarize(run), changed: run.changed }));
  const compare = {
    top1: (a: (typeof rows)[0], b: (typeof rows)[0]) =>
      (b.summary.bestTop1 ?? -1) - (a.summary.bestTop1 ?? -1),
    time: (a: (typeof rows)[0], b: (typeof rows)[0]) => b.changed - a.changed,
    name: () => 0,
  }[by];
  return rows
    .sort((a, b) => compare(a, b) || (a.summary.name < b.summary.name ? -1 : 1))
    .map(({ summary }) => summary);
}

/**
 * The runs of which every filter is true.
 * @param filters `KEY=VALUE`: `name` (a part of it), `state`, `model`, `dataset`, or a setting of config.json by its name
 *   or its flag
 * @throws UserError if one is malformed, or no run has such a key
 */
export function filterRuns(runs: readonly RunRecord[], filters: readonly string[]): RunRecord[] {
  return filters.reduce((left: readonly RunRecord[], filter) => {
    const [, key, value] = /^([^=]+)=(.+)$/.exec(filter) ?? [];
    if (key === undefined || value === undefined)
      throw new UserError(`--filter takes KEY=VALUE, e.g. model=resnet20 or state=live, not "${filter}"`);
    if (key === 'name') return left.filter(({ name }) => name.includes(value));
    const setting = Object.keys(SETTINGS).find((name) => flagOf(name) === key) ?? key;
    const stated = ({ state, config }: RunRecord) => (key === 'state' ? state : config[setting]);
    if (runs.length > 0 && runs.every((run) => stated(run) === undefined))
      throw new UserError(`no run has ${key}; filter by name, state, model, dataset or a setting`);
    return left.filter((run) => String(stated(run)) === value);
  }, runs) as RunRecord[];
}

interface Column {
  head: string;
  cell: (run: RunSummary) => string;
  isText?: true;
  /** Columns that a narrow terminal has no room for go in the order of these numbers. */
  gone?: number;
}

const COLUMNS: Column[] = [
  { head: 'name', cell: ({ name }) => printable(name), isText: true },
  { head: 'state', cell: ({ state }) => state, isText: true },
  { head: 'model', cell: ({ model }) => printable(model), isText: true, gone: 2 },
  { head: 'dataset', cell: ({ dataset }) => printable(dataset), isText: true, gone: 1 },
  { head: 'epochs', cell: ({ epochsDone, epochsAsked }) => `${epochsDone}/${epochsAsked}` },
  { head: 'top-1', cell: ({ bestTop1 }) => percentOrDash(bestTop1) },
  { head: 'top-5', cell: ({ bestTop5 }) => percentOrDash(bestTop5), gone: 5 },
  { head: 'on', cell: ({ bestOn }) => bestOn ?? '-', isText: true },
  { head: 'img/s', cell: ({ imagesPerSecond }) => imagesPerSecond?.toFixed(0) ?? '-', gone: 3 },
  { head: 'time', cell: ({ seconds }) => formatDuration(seconds), gone: 4 },
  { head: 'note', cell: ({ note }) => (note === undefined ? '' : printable(note)), isText: true },
];
/** No run may have them. */
const OPTIONAL = { 'top-5': 'bestTop5', on: 'bestOn', note: 'note' } as const;

/**
 * A table of runs for the terminal, a line a run; with a top-5, on how many images, and a note, if one of them has it.
 * @param width columns of the terminal: where that is less than the table has, a last line says what was left out
 */
export function listLines(summaries: readonly RunSummary[], width = Number.POSITIVE_INFINITY): string[] {
  let columns = COLUMNS.filter(({ head }) => {
    const key = OPTIONAL[head as keyof typeof OPTIONAL];
    return key === undefined || summaries.some((run) => run[key] != null);
  });
  const left: string[] = [];
  for (;;) {
    // A note may be longer than any terminal is wide; it is last, and wraps.
    const measured = tableOf(
      columns.filter(({ head }) => head !== 'note'),
      summaries,
    );
    const [next] = columns.filter(({ gone }) => gone).sort((a, b) => a.gone! - b.gone!);
    if (!next || measured.every((line) => line.length <= width)) {
      const lines = tableOf(columns, summaries);
      return left.length === 0 ? lines : [...lines, `no room for ${left.join(', ')}; --json has all`];
    }
    left.push(next.head);
    columns = columns.filter((column) => column !== next);
  }
}

function tableOf(columns: readonly Column[], summaries: readonly RunSummary[]): string[] {
  const right = new Set(columns.flatMap(({ isText }, i) => (isText ? [] : [i])));
  const rows = summaries.map((run) => columns.map(({ cell }) => cell(run)));
  return textTable([columns.map(({ head }) => head), ...rows], right);
}
