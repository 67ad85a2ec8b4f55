import { byId } from '../dom/elements.ts';
import { RunStream } from '../runs/run-stream.ts';
import { RunsView } from '../views/runs-view.ts';

/** The page of training runs; it listens to the server only while it is looked at. */
export class RunsPage {
  readonly #view = new RunsView();
  #url: string | undefined;
  #stream: RunStream | undefined;

  /** @param url of the server's stream of runs; undefined if it has none, which hides the page */
  setStream(url: string | undefined): void {
    this.#url = url;
    byId('runs-link', HTMLElement).hidden = url === undefined;
  }

  setVisible(visible: boolean): void {
    if (visible && this.#url !== undefined) {
      this.#stream ??= new RunStream(this.#url, (state) => this.#view.show(state));
    } else {
      this.#stream?.close();
      this.#stream = undefined;
    }
  }
}
