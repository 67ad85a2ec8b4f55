import { byId } from '../dom/elements.ts';
import { pickTestPictures } from '../examples/test-pictures.ts';
import type { PathFile } from '../picture/dropped-files.ts';
import { type CifarSource, fromFolder, type TestSetSource } from '../test-set/source.ts';
import { mistakeCanvas } from '../views/mistakes-view.ts';
import { TestSetView } from '../views/test-set-view.ts';
import { showThumbs, type Thumb } from '../views/thumbs.ts';
import type { Mistake } from '../worker/protocol.ts';
import { isAbort } from '../worker-client.ts';
import type { InferenceClient, OpenModel } from './open-model.ts';

const THUMBS = 12;

/** The page that runs the test set; it also gives the classifier pictures of it. */
export class TestPage {
  readonly #client: InferenceClient;
  readonly #open: OpenModel;
  readonly #view: TestSetView;
  readonly #onThumb: (thumb: Thumb) => void;
  #source: TestSetSource | undefined;
  #running: { controller: AbortController; setPaused?: (paused: boolean) => void } | undefined;

  /** @param onThumb called with a picture of the test set to classify */
  constructor(client: InferenceClient, open: OpenModel, onThumb: (thumb: Thumb) => void) {
    this.#client = client;
    this.#open = open;
    this.#onThumb = onThumb;
    this.#view = new TestSetView({
      run: (limit) => void this.#run(limit),
      pause: (paused) => this.#running?.setPaused?.(paused),
      stop: () => this.stop(),
      pickMistake: (mistake) => this.#pick(mistake),
      chooseFile: (file) => this.choose({ name: file.name, file }),
      chooseFolder: (files) => this.chooseFolder(files),
    });
    byId('shuffle', HTMLButtonElement).addEventListener('click', () => void this.#showThumbs());
  }

  /** CIFAR-100's pictures; undefined if there are none. */
  get source(): CifarSource | undefined {
    return this.#source && 'pictures' in this.#source ? undefined : this.#source;
  }

  /** Takes pictures from there from now on. */
  choose(source: TestSetSource): void {
    if (this.#running) return;
    try {
      this.#view.showSource(source);
      this.#source = source;
      void this.#showThumbs();
    } catch (error) {
      this.#view.error.show(error);
    }
  }

  /** Takes the pictures of a folder from now on. */
  chooseFolder(files: readonly PathFile[]): void {
    try {
      this.choose(fromFolder(files));
    } catch (error) {
      this.#view.error.show(error);
    }
  }

  modelOpened(): void {
    this.#view.setModelReady(true);
    void this.#showThumbs();
  }

  stop(): void {
    this.#running?.controller.abort();
  }

  async #showThumbs(): Promise<void> {
    const box = byId('test-examples', HTMLElement);
    const labels = this.#open.model?.metadata.labels;
    const source = this.#source;
    const own = source !== undefined && 'pictures' in source;
    if (!source || !labels || (!own && labels.length !== 100)) {
      box.hidden = true;
      return;
    }
    byId('test-examples-title', HTMLElement).textContent =
      `From ${own ? source.name : 'the CIFAR-100 test set'}`;
    try {
      const thumbs = await pickTestPictures(source, labels, THUMBS);
      showThumbs(byId('test-thumbs', HTMLElement), thumbs, this.#onThumb);
      box.hidden = false;
    } catch (error) {
      box.hidden = true;
      this.#view.error.show(error);
    }
  }

  #pick(mistake: Mistake): void {
    const truth = this.#open.model?.metadata.labels[mistake.truth];
    const thumb: Thumb = { name: mistake.name, canvas: mistakeCanvas(mistake) };
    if (truth !== undefined) thumb.truth = truth;
    location.hash = '#classify';
    this.#onThumb(thumb);
  }

  async #run(limit: number): Promise<void> {
    const { model } = this.#open;
    if (!this.#source || !model || this.#running) return;
    const controller = new AbortController();
    this.#running = { controller };
    this.#view.showStarted(model.metadata.labels);
    try {
      const report = await this.#client.call(
        'evaluate',
        { source: this.#source, limit },
        {
          signal: controller.signal,
          onProgress: (state) => this.#view.showState(state),
          onPausable: (setPaused) => {
            this.#running = { controller, setPaused };
          },
        },
      );
      this.#view.showReport(report, model);
    } catch (error) {
      this.#view.hideRun();
      if (!isAbort(error)) this.#view.error.show(error);
    } finally {
      this.#running = undefined;
      this.#view.showEnded();
    }
  }
}
