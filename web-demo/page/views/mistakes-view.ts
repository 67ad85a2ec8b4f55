import { byId, create } from '../dom/elements.ts';
import { formatPercent } from '../format.ts';
import type { Mistake } from '../worker/protocol.ts';
import { readable } from './result-view.ts';

/** The gallery of mistakes that the model was surest of. */
export class MistakesView {
  readonly #list = byId('mistakes', HTMLUListElement);
  readonly #onPick: (mistake: Mistake) => void;
  #shown = '';

  constructor(onPick: (mistake: Mistake) => void) {
    this.#onPick = onPick;
  }

  show(mistakes: readonly Mistake[], labels: readonly string[]): void {
    // Filled anew only when it changes: a button must not vanish under the pointer, or lose the focus.
    const key = mistakes.map(({ name }) => name).join('\n');
    if (key === this.#shown) return;
    this.#shown = key;
    this.#list.replaceChildren(...mistakes.map((mistake) => this.#item(mistake, labels)));
  }

  #item(mistake: Mistake, labels: readonly string[]): HTMLLIElement {
    const [truth, guess] = [mistake.truth, mistake.guess].map((index) =>
      readable(labels[index] ?? `${index}`),
    );
    const button = create('button');
    button.type = 'button';
    button.dataset.record = String(mistake.record);
    button.append(
      mistakeCanvas(mistake),
      create('span', 'guess-name', `${guess}`),
      create('span', 'sure', formatPercent(mistake.probability, 0)),
      create('span', 'true-name', `is ${truth}`),
    );
    button.title = mistake.name;
    button.addEventListener('click', () => this.#onPick(mistake));
    const item = create('li');
    item.append(button);
    return item;
  }
}

/** Its pixels, as they are. */
export function mistakeCanvas({ rgba, width, height }: Mistake): HTMLCanvasElement {
  const canvas = create('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas;
}
