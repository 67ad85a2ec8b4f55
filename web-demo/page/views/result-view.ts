import { byId } from '../dom/by-id.ts';
import { create } from '../dom/create.ts';
import { formatMs, formatPercent } from '../format.ts';
import type { Classification } from '../worker/protocol.ts';

/** The five best guesses as bars, and a sentence for screen readers. */
export class ResultView {
  readonly #empty = byId('result-empty', HTMLElement);
  readonly #list = byId('predictions', HTMLOListElement);
  readonly #truth = byId('truth', HTMLElement);
  readonly #timing = byId('timing', HTMLElement);
  readonly #announcement = byId('announcement', HTMLElement);

  /** Dims the guesses of the picture before while a new one is worked on. */
  showBusy(): void {
    this.#list.classList.add('stale');
  }

  /** Undims them, when there will be no new ones. */
  showIdle(): void {
    this.#list.classList.remove('stale');
  }

  /** @param truth the picture's class, where it is known */
  show({ top, prepareMs, inferenceMs }: Classification, truth: string | undefined): void {
    this.#empty.hidden = true;
    this.#list.hidden = false;
    this.#list.classList.remove('stale');
    this.#list.replaceChildren(
      ...top.map(({ label, probability }) => {
        const item = create('li');
        item.dataset.label = label;
        item.dataset.probability = String(probability);
        const track = create('span', 'track');
        const fill = create('span', 'fill');
        fill.style.width = `${Math.max(0, Math.min(1, probability)) * 100}%`;
        track.append(fill);
        track.setAttribute('aria-hidden', 'true');
        item.append(
          create('span', 'label', readable(label)),
          create('span', 'probability', formatPercent(probability)),
          track,
        );
        return item;
      }),
    );
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
    this.#timing.hidden = false;
    this.#timing.textContent = `${formatMs(inferenceMs)} to infer, ${formatMs(prepareMs)} to read and resize`;
    const guesses = top.map((guess) => `${readable(guess.label)} ${formatPercent(guess.probability, 0)}`);
    this.#announcement.textContent = `Best guesses: ${guesses.join(', ')}.`;
  }
}

/** The data set writes `sweet_pepper`. */
export function readable(label: string): string {
  return label.replaceAll('_', ' ');
}
