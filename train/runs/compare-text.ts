import { printable } from '../../core/cli/printable.ts';
import { textTable } from '../../core/cli/text-table.ts';
import { sparkline } from '../../core/plot/sparkline.ts';
import { compareRuns, measuredOnOthers } from './compare.ts';
import type { RunRecord } from './read-run.ts';

const CURVE_WIDTH = 48;

/** A comparison for the terminal: what differs in the configs, the results, and curves of test top-1. */
export function comparisonLines(runs: readonly RunRecord[]): string[] {
  const { config, results } = compareRuns(runs);
  const cells = ({ name, values }: { name: string; values: string[] }) => [name, ...values].map(printable);
  const table = textTable(
    [
      ['', ...runs.map(({ name }) => printable(name))],
      ...(config.length > 0 ? config.map(cells) : [['config', ...runs.map(() => 'the same')]]),
      [],
      ...results.map(cells),
    ],
    new Set(runs.map((_, index) => index + 1)),
  );
  const others = measuredOnOthers(runs);
  return [...table, '', ...(others === undefined ? [] : [others, '']), ...curveLines(runs)];
}

/** The curves share both scales, so that a shorter run has a shorter curve. */
function curveLines(runs: readonly RunRecord[]): string[] {
  const all = runs.flatMap(({ epochs }) => epochs.map(({ testTop1 }) => testTop1)).filter(Number.isFinite);
  if (all.length === 0) return ['no epoch has been finished yet'];
  const max = Math.max(...all);
  const longest = Math.max(...runs.map(({ epochs }) => epochs.length));
  const rows = runs.map(({ name, epochs }) => {
    const width = Math.max(1, Math.round((Math.min(longest, CURVE_WIDTH) * epochs.length) / longest));
    const values = epochs.map(({ testTop1 }) => testTop1);
    // Epochs after which nothing was evaluated stand as the one before.
    for (let at = 1; at < values.length; at++) if (Number.isNaN(values[at])) values[at] = values[at - 1]!;
    return [printable(name), sparkline(values, { min: 0, max, width })];
  });
  return [`test top-1 by epoch, full height ${(100 * max).toFixed(2)} %`, ...textTable(rows, new Set())];
}
