import { errorMessage, UserError } from '../../../core/errors.ts';
import { byId, create } from '../dom/elements.ts';
import { ErrorLine } from '../dom/error-line.ts';
import { formatMs, formatPercent } from '../format.ts';
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

/** One class of a server's answer. */
export interface ServerGuess {
  label: string;
  probability: number;
}

/**
 * Sends a picture to the server's `/predict`.
 * @param url where that is
 * @returns every class that it answers, best first, and the time it took there and back
 * @throws UserError with the server's own words if it refuses
 */
export async function askServer(
  url: string,
  picture: Blob,
  topK: number,
): Promise<{ guesses: ServerGuess[]; ms: number }> {
  const start = performance.now();
  const address = new URL(url, document.baseURI);
  address.searchParams.set('topk', String(topK));
  let response: Response;
  let body: { predictions?: unknown; error?: unknown };
  try {
    response = await fetch(address, {
      method: 'POST',
      body: picture,
      headers: { 'content-type': picture.type || 'application/octet-stream' },
    });
    body = (await response.json()) as typeof body;
  } catch (error) {
    throw new UserError(`The server did not answer (${errorMessage(error)}); is it still running?`);
  }
  if (!response.ok) {
    throw new UserError(`The server refuses the picture: ${describeError(body.error) ?? response.status}`);
  }
  const { predictions } = body;
  if (!Array.isArray(predictions)) throw new UserError('The server answered in an unknown form; restart it.');
  return { guesses: predictions as ServerGuess[], ms: performance.now() - start };
}

/** Either a sentence, or an object with one. */
function describeError(error: unknown): string | undefined {
  if (typeof error === 'string') return error;
  const message = (error as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' ? message : undefined;
}
