import { formatPercent } from '../../core/cli/format.ts';
import { printable } from '../../core/cli/printable.ts';
import { formatDuration } from '../../core/cli/progress.ts';
import { textTable } from '../../core/cli/text-table.ts';
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

/** A table of runs for the terminal, a line a run. */
export function listLines(summaries: readonly RunSummary[]): string[] {
  const head = ['name', 'state', 'model', 'dataset', 'epochs', 'top-1', 'top-5', 'img/s', 'time'];
  const rows = summaries.map((run) => [
    printable(run.name),
    run.state,
    printable(run.model),
    printable(run.dataset),
    `${run.epochsDone}/${run.epochsAsked}`,
    percentOrDash(run.bestTop1),
    percentOrDash(run.bestTop5),
    run.imagesPerSecond?.toFixed(0) ?? '-',
    formatDuration(run.seconds),
  ]);
  return textTable([head, ...rows], new Set([4, 5, 6, 7, 8]));
}

/** A percentage, or a dash for what is not known. */
export function percentOrDash(fraction: number | null): string {
  return fraction === null ? '-' : formatPercent(fraction);
}
