import { fewClasses } from '../../../core/metrics/few-classes.ts';
import { comparisonCharts, runCharts } from '../../../train/runs/charts.ts';
import { configDifferences, shortNames } from '../../../train/runs/compare.ts';
import { ChartArea } from '../dom/chart.ts';
import { byId, create } from '../dom/elements.ts';
import { formatPercent } from '../format.ts';
import type { RunMessage } from '../runs/run-message.ts';
import type { RunStreamState } from '../runs/run-stream.ts';
import { RunDetails } from './run-details.ts';

/** More curves than this in one chart cannot be told apart. */
const MOST_SHOWN = 6;

/** The table of training runs, the curves of those chosen, and what differs between them. */
export class RunsView {
  readonly #status = byId('runs-status', HTMLElement);
  readonly #empty = byId('runs-empty', HTMLElement);
  readonly #scroll = byId('runs-scroll', HTMLElement);
  readonly #body = byId('runs-body', HTMLElement);
  readonly #chartsCard = byId('runs-charts', HTMLElement);
  readonly #charts = new ChartArea(byId('charts', HTMLElement));
  readonly #differencesCard = byId('runs-differences', HTMLElement);
  readonly #differences = byId('differences', HTMLElement);
  readonly #details = new RunDetails();
  readonly #rows = new Map<string, HTMLTableRowElement>();
  /** Paths of the runs whose curves are shown; undefined until there is a run to choose. */
  #chosen: Set<string> | undefined;
  #runs: RunMessage[] = [];

  show({ connected, runs }: RunStreamState): void {
    this.#runs = runs;
    const live = runs.filter(isLive);
    this.#status.dataset.live = String(connected && live.length > 0);
    this.#status.textContent = !connected
      ? 'Connecting again…'
      : live.length > 0
        ? `Live: ${live.map((run) => run.summary.name).join(', ')}`
        : 'No run in progress';
    this.#empty.hidden = runs.length > 0;
    this.#scroll.hidden = runs.length === 0;
    const [newest] = runs;
    if (!this.#chosen && newest) this.#chosen = new Set([(live[0] ?? newest).summary.path]);
    this.#fillTable();
    this.#scroll.classList.toggle('without-top5', runs.every(hasFewClasses));
    this.#drawChosen();
  }

  /** Rows are changed in place: a reader may be on one of their boxes. */
  #fillTable(): void {
    const paths = new Set(this.#runs.map((run) => run.summary.path));
    for (const [path, row] of this.#rows) {
      if (paths.has(path)) continue;
      row.remove();
      this.#rows.delete(path);
    }
    this.#runs.forEach((run, i) => {
      const { path } = run.summary;
      const row = this.#rows.get(path) ?? this.#newRow(path);
      this.#rows.set(path, row);
      fillRow(row, run);
      if (this.#body.children[i] !== row) this.#body.insertBefore(row, this.#body.children[i] ?? null);
    });
  }

  #newRow(path: string): HTMLTableRowElement {
    const row = create('tr');
    const box = create('input');
    box.type = 'checkbox';
    box.checked = this.#chosen?.has(path) ?? false;
    box.addEventListener('change', () => {
      this.#chosen ??= new Set();
      if (box.checked) this.#chosen.add(path);
      else this.#chosen.delete(path);
      this.#drawChosen();
    });
    const cell = create('td');
    cell.append(box);
    row.append(
      cell,
      ...Array.from({ length: 6 }, (_, i) => create('td', i === 0 || i === 4 ? '' : 'number')),
    );
    return row;
  }

  #drawChosen(): void {
    const shown = this.#runs.filter((run) => this.#chosen?.has(run.summary.path)).slice(0, MOST_SHOWN);
    this.#chartsCard.hidden = shown.length === 0;
    const names = shown.map(({ summary }) => summary.name);
    const short = shortNames(names);
    const [only] = shown;
    if (only) {
      const { top5, ...charts } =
        shown.length === 1
          ? runCharts(only.epochs)
          : comparisonCharts(shown.map(({ epochs }, i) => ({ name: short[i]!, epochs })));
      this.#charts.show(Object.values(shown.every(hasFewClasses) ? charts : { ...charts, top5 }));
    }
    void this.#details.show(shown.length === 1 ? only : undefined);
    const rows = shown.length > 1 ? configDifferences(shown) : [];
    this.#differencesCard.hidden = rows.length === 0;
    this.#differences.replaceChildren(differencesTable(names, short, rows));
  }
}

function fillRow(row: HTMLTableRowElement, run: RunMessage): void {
  const { summary } = run;
  const percent = (value: number | null): string => (value === null ? '–' : formatPercent(value));
  const texts = [
    summary.name,
    percent(summary.bestTop1),
    hasFewClasses(run) ? '–' : percent(summary.bestTop5),
    `${summary.epochsDone}/${summary.epochsAsked}`,
    summary.model,
    summary.imagesPerSecond?.toFixed(0) ?? '–',
  ];
  texts.forEach((text, i) => {
    row.cells[i + 1]!.textContent = text;
  });
  row.classList.toggle('is-live', isLive(run));
  row.querySelector('input')?.setAttribute('aria-label', `Show ${summary.name}`);
}

function hasFewClasses({ config }: RunMessage): boolean {
  return Array.isArray(config.labels) && fewClasses(config.labels);
}

function isLive({ summary }: RunMessage): boolean {
  return summary.state === 'live';
}

function differencesTable(
  names: string[],
  short: string[],
  rows: { name: string; values: string[] }[],
): HTMLTableElement {
  const table = create('table');
  const line = (kind: 'th' | 'td', first: string, rest: string[]): HTMLTableRowElement => {
    const row = create('tr');
    const title = create('th', '', first);
    title.scope = kind === 'th' ? 'col' : 'row';
    row.append(title, ...rest.map((text) => create(kind, '', text)));
    return row;
  };
  const head = create('thead');
  head.append(line('th', 'Setting', short));
  names.forEach((name, i) => {
    head.querySelectorAll('th')[i + 1]!.title = name;
  });
  const body = create('tbody');
  body.append(...rows.map(({ name, values }) => line('td', name, values)));
  table.append(head, body);
  return table;
}
