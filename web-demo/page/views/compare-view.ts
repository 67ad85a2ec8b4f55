import { byId } from '../dom/by-id.ts';
import { create } from '../dom/create.ts';
import { ErrorLine } from '../dom/error-line.ts';
import { formatMs, formatPercent } from '../format.ts';
import type { ServerGuess } from '../server-compare.ts';
import type { Classification } from '../worker/protocol.ts';
import { readable } from './result-view.ts';

/** Page and server side by side, for the same picture. */
export class CompareView {
  readonly error = new ErrorLine(byId('compare-error', HTMLElement));
  readonly #button = byId('compare', HTMLButtonElement);
  readonly #table = byId('comparison', HTMLElement);

  constructor(onCompare: () => void) {
    this.#button.addEventListener('click', onCompare);
  }

  /** Whether there is a server to ask about the open model. */
  setAvailable(available: boolean): void {
    this.#button.hidden = !available;
  }

  setBusy(busy: boolean): void {
    this.#button.disabled = busy;
    this.#button.textContent = busy ? 'Asking…' : 'Ask the server too';
  }

  clear(): void {
    this.#table.hidden = true;
    this.error.clear();
  }

  show(page: Classification, server: { guesses: ServerGuess[]; ms: number }): void {
    const there = new Map(server.guesses.map(({ label, probability }) => [label, probability]));
    const table = create('table');
    const head = create('tr');
    for (const title of ['Class', 'Page', 'Server', 'Difference']) {
      const cell = create('th', title === 'Class' ? '' : 'number', title);
      cell.scope = 'col';
      head.append(cell);
    }
    const rows = page.top.map(({ label, probability }) => {
      const other = there.get(label) ?? Number.NaN;
      const row = create('tr');
      row.append(
        create('td', '', readable(label)),
        create('td', 'number', formatPercent(probability, 3)),
        create('td', 'number', formatPercent(other, 3)),
        create('td', 'number', formatDifference(probability - other)),
      );
      return row;
    });
    const worst = Math.max(
      ...page.top.map(({ label, probability }) => Math.abs(probability - (there.get(label) ?? 1))),
    );
    const caption = create(
      'caption',
      '',
      `Largest difference ${formatDifference(worst)}; the server took ${formatMs(server.ms)} there and back.`,
    );
    this.#table.dataset.difference = String(worst);
    const body = create('tbody');
    body.append(...rows);
    const header = create('thead');
    header.append(head);
    table.append(caption, header, body);
    this.#table.replaceChildren(table);
    this.#table.hidden = false;
  }
}

/** In the form 2.4e-7, since what is left is rounding. */
function formatDifference(value: number): string {
  return value === 0 ? '0' : Math.abs(value).toExponential(1);
}
