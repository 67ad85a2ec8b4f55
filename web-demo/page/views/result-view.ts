import { byId, create } from '../dom/elements.ts';
import { formatMs, formatPercent } from '../format.ts';
import type { Classification, RankedClass } from '../worker/protocol.ts';

/** The five best guesses as bars, and a sentence for screen readers. */
export class ResultView {
  readonly #empty = byId('result-empty', HTMLElement);
  readonly #list = byId('predictions', HTMLOListElement);
  readonly #superclass = byId('superclass', HTMLElement);
  readonly #truth = byId('truth', HTMLElement);
  readonly #tools = byId('result-tools', HTMLElement);
  readonly #timing = byId('timing', HTMLElement);
  readonly #announcement = byId('announcement', HTMLElement);
  readonly #onPick: (guess: RankedClass) => void;

  /** @param onPick called with the guess whose heat map is wanted */
  constructor(onPick: (guess: RankedClass) => void) {
    this.#onPick = onPick;
  }

  /** Dims the guesses of the picture before while a new one is worked on. */
  showBusy(): void {
    this.#list.classList.add('stale');
  }

  /** Undims them, when there will be no new ones. */
  showIdle(): void {
    this.#list.classList.remove('stale');
  }

  /** @param truth the picture's class, where it is known */
  show({ top, superclass, prepareMs, inferenceMs }: Classification, truth: string | undefined): void {
    this.#empty.hidden = true;
    this.#list.hidden = false;
    this.#tools.hidden = false;
    this.#list.classList.remove('stale');
    this.#list.replaceChildren(...top.map((guess) => this.#item(guess)));
    const right = top[0]?.label === truth;
    this.#truth.hidden = truth === undefined;
    this.#truth.className = `truth ${right ? 'right' : 'wrong'}`;
    if (truth !== undefined) {
      this.#truth.replaceChildren(
        'True class: ',
        create('strong', '', readable(truth)),
        right ? ', right' : '',
      );
    }
    this.#superclass.hidden = superclass === undefined;
    if (superclass) {
      this.#superclass.textContent = `Superclass: ${readable(superclass.name)}, ${formatPercent(superclass.probability, 1)}`;
    }
    this.#timing.hidden = false;
    this.#timing.textContent = `${formatMs(inferenceMs)} to infer, ${formatMs(prepareMs)} to read and resize`;
    const guesses = top.map((guess) => `${readable(guess.label)} ${formatPercent(guess.probability, 0)}`);
    this.#announcement.textContent = `Best guesses: ${guesses.join(', ')}.`;
  }

  /** Marks the guess that the heat map is of; none without an index. */
  mark(index: number | undefined): void {
    for (const button of this.#list.querySelectorAll('button')) {
      button.setAttribute('aria-pressed', String(Number(button.dataset.index) === index));
    }
  }

  #item(guess: RankedClass): HTMLLIElement {
    const { index, label, probability, superclass } = guess;
    const item = create('li');
    item.dataset.label = label;
    item.dataset.probability = String(probability);
    const track = create('span', 'track');
    const fill = create('span', 'fill');
    fill.style.width = `${Math.max(0, Math.min(1, probability)) * 100}%`;
    track.append(fill);
    track.setAttribute('aria-hidden', 'true');
    const name = create('span', 'label', readable(label));
    if (superclass) name.append(create('small', '', readable(superclass)));
    const button = create('button', 'guess');
    button.type = 'button';
    button.dataset.index = String(index);
    button.title = `Show where it sees “${readable(label)}”`;
    button.setAttribute('aria-pressed', 'false');
    button.append(name, create('span', 'probability', formatPercent(probability)), track);
    button.addEventListener('click', () => this.#onPick(guess));
    item.append(button);
    return item;
  }
}

/** The data set writes `sweet_pepper`. */
export function readable(label: string): string {
  return label.replaceAll('_', ' ');
}
