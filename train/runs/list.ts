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

/** A table of runs for the terminal, a line a run; with a top-5, and on how many images, if one of them has it. */
export function listLines(summaries: readonly RunSummary[]): string[] {
  const top5 = summaries.some(({ bestTop5 }) => bestTop5 !== null);
  const head = ['name', 'state', 'model', 'dataset', 'epochs', 'top-1', ...(top5 ? ['top-5'] : [])];
  const on = summaries.some(({ bestOn }) => bestOn !== null);
  const right = new Set([4, 5, ...(top5 ? [6] : [])]);
  if (on) head.push('on');
  for (const name of ['img/s', 'time']) right.add(head.push(name) - 1);
  if (summaries.some(({ note }) => note !== undefined)) head.push('note');
  const rows = summaries.map((run) => [
    printable(run.name),
    run.state,
    printable(run.model),
    printable(run.dataset),
    `${run.epochsDone}/${run.epochsAsked}`,
    percentOrDash(run.bestTop1),
    ...(top5 ? [percentOrDash(run.bestTop5)] : []),
    ...(on ? [run.bestOn ?? '-'] : []),
    run.imagesPerSecond?.toFixed(0) ?? '-',
    formatDuration(run.seconds),
    ...(run.note === undefined ? [] : [printable(run.note)]),
  ]);
  return textTable([head, ...rows], right);
}
