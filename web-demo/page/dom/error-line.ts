import { errorMessage, UserError } from '../../../core/errors.ts';

/** The one line of a card that says what is wrong; hidden while empty. */
export class ErrorLine {
  readonly #element: HTMLElement;

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  /** Shows what went wrong, told apart: what the reader can mend, and what is our own bug. */
  show(error: unknown): void {
    const message = errorMessage(error);
    this.#element.textContent =
      error instanceof UserError
        ? message
        : `Something went wrong: ${message}. Reload the page to try again.`;
  }

  clear(): void {
    this.#element.textContent = '';
  }
}
