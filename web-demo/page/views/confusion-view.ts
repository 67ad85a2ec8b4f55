import { superclassesOf } from '../../../core/data/cifar100-superclasses.ts';
import { arrowMove, create } from '../dom/elements.ts';
import { formatCount, formatPercent } from '../format.ts';
import { heatColor } from './heat-colors.ts';
import { readable } from './result-view.ts';

const PAIRS = 8;
/** Colours start above magma's black, so that an empty cell differs from one with a single picture. */
const FAINTEST = 0.25;

/** Up to so many classes the counts themselves are shown. */
const MOST_IN_TABLE = 16;

/** A confusion matrix, as a table of a few classes and a picture of many, and the most frequent confusions in words. */
export class ConfusionView {
  readonly #canvas = create('canvas', 'confusion');
  readonly #table = create('div', 'table-scroll');
  readonly #cell = create('p', 'muted', 'Point at a cell to read it, or use the arrow keys.');
  readonly #title = create('h3', '', 'Most often confused');
  readonly #pairs = create('ol', 'pairs');
  #counts: Uint32Array = new Uint32Array();
  #labels: readonly string[] = [];
  /** Which class each row and column is. */
  #order: number[] = [];
  /** The row and column that the arrow keys have come to. */
  #at = { x: 0, y: 0 };

  /** @param place filled with it */
  constructor(place: HTMLElement) {
    this.#canvas.tabIndex = 0;
    this.#canvas.role = 'img';
    this.#canvas.ariaLabel =
      'Confusion matrix: arrow keys read its cells, the list below names the most frequent confusions';
    this.#table.tabIndex = 0;
    this.#table.role = 'region';
    this.#table.ariaLabel = 'Confusion matrix';
    this.#cell.role = 'status';
    place.append(this.#table, this.#canvas, this.#cell, this.#title, this.#pairs);
    this.#canvas.addEventListener('pointermove', (event) => this.#point(event));
    this.#canvas.addEventListener('pointerdown', (event) => this.#point(event));
    this.#canvas.addEventListener('keydown', (event) => this.#key(event));
  }

  /** @param counts [classes, classes], row-major: row the true class, column the guess */
  show(counts: Uint32Array, labels: readonly string[]): void {
    this.#counts = counts;
    this.#labels = labels;
    this.#order = orderOf(labels);
    const few = labels.length <= MOST_IN_TABLE;
    this.#table.hidden = !few;
    this.#canvas.hidden = few;
    this.#cell.hidden = few;
    if (few) this.#tabulate();
    else this.#draw();
    this.#list();
  }

  #tabulate(): void {
    const size = this.#labels.length;
    const names = this.#labels.map((_, index) => this.#name(index));
    const table = create('table', 'confusion-table');
    const head = create('tr');
    const title = (text: string, scope: string): HTMLTableCellElement =>
      Object.assign(create('th', scope === 'col' ? 'number' : '', text), { scope });
    head.append(
      title('is \\ taken for', 'col'),
      ...names.map((name) => title(name, 'col')),
      title('right', 'col'),
    );
    const rows = names.map((name, truth) => {
      const own = this.#counts.subarray(truth * size, (truth + 1) * size);
      const images = own.reduce((sum, count) => sum + count, 0);
      const row = create('tr');
      row.append(title(name, 'row'));
      own.forEach((count, guess) => {
        const cell = create('td', truth === guess ? 'number right' : 'number', formatCount(count));
        // Roots: a few confusions would be invisible beside a full diagonal.
        cell.style.setProperty('--share', `${45 * Math.sqrt(count / Math.max(1, images))}%`);
        row.append(cell);
      });
      row.append(create('td', 'number', images === 0 ? '–' : formatPercent(own[truth]! / images, 0)));
      return row;
    });
    const body = create('tbody');
    body.append(...rows);
    const header = create('thead');
    header.append(head);
    table.append(header, body);
    this.#table.replaceChildren(table);
  }

  #draw(): void {
    const size = this.#labels.length;
    const most = Math.max(1, ...this.#counts);
    const pixels = new ImageData(size, size);
    this.#order.forEach((truth, y) => {
      this.#order.forEach((guess, x) => {
        const count = this.#counts[truth * size + guess]!;
        // Roots: a few confusions would be invisible beside a full diagonal.
        const shade = count === 0 ? 0 : FAINTEST + (1 - FAINTEST) * Math.sqrt(count / most);
        pixels.data.set([...heatColor(shade), 255], (y * size + x) * 4);
      });
    });
    this.#canvas.width = size;
    this.#canvas.height = size;
    this.#canvas.getContext('2d')?.putImageData(pixels, 0, 0);
  }

  #list(): void {
    const size = this.#labels.length;
    const pairs: { truth: number; guess: number; count: number }[] = [];
    this.#counts.forEach((count, i) => {
      const [truth, guess] = [Math.floor(i / size), i % size];
      if (count > 0 && truth !== guess) pairs.push({ truth, guess, count });
    });
    pairs.sort((a, b) => b.count - a.count);
    this.#title.hidden = pairs.length === 0;
    this.#pairs.replaceChildren(
      ...pairs.slice(0, PAIRS).map(({ truth, guess, count }) => {
        const item = create('li');
        item.append(
          create('span', '', `${this.#name(truth)} → ${this.#name(guess)}`),
          create('strong', '', formatCount(count)),
        );
        return item;
      }),
    );
  }

  #point(event: PointerEvent): void {
    const size = this.#labels.length;
    const box = this.#canvas.getBoundingClientRect();
    this.#describe(
      Math.floor(((event.clientX - box.left) / box.width) * size),
      Math.floor(((event.clientY - box.top) / box.height) * size),
    );
  }

  #key(event: KeyboardEvent): void {
    const move = arrowMove(event.key, 1);
    if (!move) return;
    event.preventDefault();
    this.#describe(this.#at.x + move[0], this.#at.y + move[1]);
  }

  /** Says what is in a column and row, or in the nearest there are. */
  #describe(x: number, y: number): void {
    const size = this.#labels.length;
    const within = (value: number): number => Math.max(0, Math.min(size - 1, value));
    this.#at = { x: within(x), y: within(y) };
    const truth = this.#order[this.#at.y];
    const guess = this.#order[this.#at.x];
    if (truth === undefined || guess === undefined) return;
    const count = formatCount(this.#counts[truth * size + guess]!);
    this.#cell.textContent =
      truth === guess
        ? `${count} of “${this.#name(truth)}” are right`
        : `${count} of “${this.#name(truth)}” are taken for “${this.#name(guess)}”`;
  }

  #name(index: number): string {
    return readable(this.#labels[index] ?? String(index));
  }
}

/** Classes of a superclass side by side: confusions within it then lie close to the diagonal. */
function orderOf(labels: readonly string[]): number[] {
  const superclasses = superclassesOf(labels);
  const order = labels.map((_, index) => index);
  return superclasses
    ? order.sort((a, b) => superclasses[a]!.localeCompare(superclasses[b]!, 'en') || a - b)
    : order;
}
