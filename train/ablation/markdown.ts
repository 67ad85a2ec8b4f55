import { printable } from '../../core/cli/printable.ts';
import { honestLabel } from './reference.ts';
import type { AblationResults, CellResult, Spread, UnfinishedRun } from './results.ts';

const NONE = '–';

/** The table alone, a line a cell; columns are padded, so that it can be read in a terminal too. */
export function tableLines({ cells }: AblationResults): string[] {
  const top5 = cells.some(({ finalTop5 }) => finalTop5 !== undefined);
  const head = [
    'cell',
    'augmentation',
    'runs',
    'top-1, final epoch',
    ...(top5 ? ['top-5, final epoch'] : []),
    'top-1, best epoch',
    'best epochs',
    'img/s',
  ];
  return markdownTable(
    head,
    cells.map((cell) => cellRow(cell, top5)),
    2,
  );
}

/** The document that `--table` writes. */
export function tableDocument(results: AblationResults, command: readonly string[]): string {
  const { model, dataset, epochs, stepsPerRun, imagesPerRun, config, unfinished } = results;
  const settings = Object.entries(config).map(([key, value]) => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return [
    `# Augmentation: ${cellText(model)} on ${cellText(dataset)}, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`,
    '',
    ...tableLines(results),
    '',
    ...notes(results),
    '',
    '## What was trained',
    '',
    ...honestLabel(results).map((line) => `- ${cellText(line)}`),
    `- A run is ${stepsPerRun} steps, ${imagesPerRun} images seen.`,
    ...unfinished.map((run) => `- Not in the table: ${unfinishedText(run, epochs)}.`),
    '',
    '## Settings of all runs',
    '',
    ...markdownTable(['setting', 'value'], settings, 2),
    '',
    '## How it was made',
    '',
    '```sh',
    ...command.map(printable),
    '```',
    '',
  ].join('\n');
}

/** What the columns are; a table without it invites the wrong reading. */
function notes({ cells, testImages }: AblationResults): string[] {
  const seeds = [...new Set(cells.flatMap(({ runs }) => runs.map(({ seed }) => seed)))].sort((a, b) => a - b);
  return [
    `Accuracy on the ${testImages === undefined ? '' : `${testImages} `}test images. The headline is that of the final epoch, the mean over the runs of a cell ± their sample standard deviation (n - 1), seeds ${seeds.join(', ')}; n=1 is a single run, which has no deviation.`,
    'The deviation is that between seeds; that of a limited number of test images comes on top.',
    'The best-epoch column takes the best epoch of each run by its result on the test images, which is optimistic; the epochs are in the next column, in the order of the seeds.',
    'img/s is of the machine that trained, evaluations left out.',
  ];
}

export function unfinishedText({ cell, seed, epochsDone }: UnfinishedRun, epochs: number): string {
  return `${cell} with seed ${seed} (${epochsDone} of ${epochs} epochs done)`;
}

function cellRow(result: CellResult, top5: boolean): string[] {
  const { cell, augmentation, runs, finalTop1, finalTop5, bestTop1, imagesPerSecond } = result;
  return [
    cell,
    augmentation,
    String(runs.length),
    percentSpread(finalTop1),
    ...(top5 ? [percentSpread(finalTop5)] : []),
    percentSpread(bestTop1),
    runs.map(({ bestEpoch }) => bestEpoch).join(', ') || NONE,
    imagesPerSecond ? imagesPerSecond.mean.toFixed(0) : NONE,
  ];
}

/** `65.12 ± 0.31 %`, of a single run `65.12 % (n=1)`. */
export function percentSpread(value: Spread | undefined): string {
  if (!value) return NONE;
  const mean = (100 * value.mean).toFixed(2);
  if (value.deviation === null) return `${mean} % (n=1)`;
  return `${mean} ± ${(100 * value.deviation).toFixed(2)} %`;
}

/** @param left so many columns are flush left, the others right */
function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left: number,
): string[] {
  const cells = [head, ...rows].map((row) => row.map(cellText));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => [...row[column]!].length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((text, column) => pad(text, widths[column]!, column < left)).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column < left ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(cells[0]!), line(rule), ...cells.slice(1).map(line)];
}

function pad(text: string, width: number, left: boolean): string {
  const space = ' '.repeat(width - [...text].length);
  return left ? text + space : space + text;
}

/** Text that stays in its cell and is not taken for markup. */
function cellText(text: string): string {
  return printable(text).replace(/[\\|`*<[]/g, '\\$&');
}
