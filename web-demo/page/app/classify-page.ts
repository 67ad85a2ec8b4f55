import { UserError } from '../../../core/errors.ts';
import type { Region } from '../../../core/preprocess/region.ts';
import { byId } from '../dom/elements.ts';
import { drawExamples } from '../examples/drawings.ts';
import { formatPercent } from '../format.ts';
import type { CameraDialog } from '../views/camera-dialog.ts';
import { askServer, CompareView } from '../views/compare-view.ts';
import { DrawDialog } from '../views/draw-dialog.ts';
import { HeatView } from '../views/heat-view.ts';
import { PictureView } from '../views/picture-view.ts';
import { ResultView, readable } from '../views/result-view.ts';
import { canvasFile, showThumbs, type Thumb } from '../views/thumbs.ts';
import type { Classification, ClassifyRequest, RankedClass } from '../worker/protocol.ts';
import { isAbort } from '../worker-client.ts';
import type { InferenceClient, OpenModel } from './open-model.ts';

/** A picture given to the page. */
interface Given {
  file: Blob;
  key: number;
  /** Its class, where it is known. */
  truth: string | undefined;
  region?: Region;
}

/** The page of one picture: what it is, where the network looks, what the server says. */
export class ClassifyPage {
  readonly #client: InferenceClient;
  readonly #open: OpenModel;
  readonly #picture: PictureView;
  readonly #result: ResultView;
  readonly #heat: HeatView;
  readonly #compare: CompareView;
  readonly #drawings = drawExamples();
  /** The first of them, as a picture. */
  #drawn: Promise<Given> | undefined;
  /** What the model that was opened last was to look at first. */
  #offered: Given | undefined;
  #given: Given | undefined;
  /** The picture asked about last, until it turns out to be none: the one to ask a new model about. */
  #asked: Given | undefined;
  #shown: Classification | undefined;
  #lastKey = 0;
  #turn = 0;
  #explaining: AbortController | undefined;
  /** The class the heat map is of, if not the best guess. */
  #explained: RankedClass | undefined;

  constructor(client: InferenceClient, open: OpenModel, camera: CameraDialog) {
    this.#client = client;
    this.#open = open;
    this.#picture = new PictureView(
      (file) => void this.classify(file),
      (region) => void this.#crop(region),
    );
    this.#result = new ResultView((guess) => void this.#explain(guess));
    this.#heat = new HeatView((wanted) => {
      if (wanted) void this.#explain(this.#shown?.top[0]);
      else this.#hideHeat();
    });
    this.#compare = new CompareView(() => void this.#askServer());
    const draw = new DrawDialog(async (file) => this.#bestGuess(await this.classify(file)));
    byId('open-draw', HTMLButtonElement).addEventListener('click', () => draw.open());
    byId('open-camera', HTMLButtonElement).addEventListener(
      'click',
      () =>
        void camera.open({
          onPicture: (file) => void this.classify(file),
          guess: async (file) => this.#bestGuess(await this.#peek(file)),
        }),
    );
  }

  /** What a model that is about to be opened is to look at first: what was asked about last, or a drawing. */
  async firstPicture(): Promise<ClassifyRequest> {
    const [drawing] = this.#drawings;
    this.#drawn ??= canvasFile(drawing!.canvas, drawing!.name).then((file) => ({
      ...{ file, truth: undefined, key: ++this.#lastKey },
    }));
    const drawn = await this.#drawn;
    this.#offered = this.#asked ?? drawn;
    const { truth, ...request } = this.#offered;
    return request;
  }

  /** Drawings of the model's classes, where there are some; else it is said that they are none of them. */
  #showDrawings(labels: readonly string[]): Thumb[] {
    const fitting = this.#drawings.filter(({ truth }) => labels.includes(truth!));
    const thumbs = fitting.length > 0 ? fitting : this.#drawings.map(({ truth, ...thumb }) => thumb);
    byId('drawn-title', HTMLElement).textContent =
      fitting.length > 0 ? 'Our own drawings' : 'Our own drawings, of none of this model’s classes';
    showThumbs(byId('drawn-examples', HTMLElement), thumbs, (thumb) => void this.classifyThumb(thumb));
    return thumbs;
  }

  /** Says that what was dropped or pasted is of no use. */
  refuse(how: 'drop' | 'paste'): void {
    this.#picture.error.show(
      new UserError(
        how === 'paste'
          ? 'The clipboard holds no picture; copy the picture itself, not its address.'
          : 'What you dropped is no file; save the picture first, then drop the file.',
      ),
    );
  }

  async classifyThumb({ canvas, file, name, truth }: Thumb): Promise<void> {
    await this.classify(file ?? (await canvasFile(canvas, name)), truth);
  }

  /**
   * Classifies a picture and shows it.
   * @param truth its class, where it is known
   * @returns undefined if it could not be, or another picture came meanwhile
   */
  async classify(file: Blob, truth?: string): Promise<Classification | undefined> {
    const result = await this.#run({ file, truth, key: ++this.#lastKey });
    // On a phone the guesses are below the picture.
    if (result) document.querySelector('#predictions li')?.scrollIntoView({ block: 'nearest' });
    return result;
  }

  /** Classifies the picture at hand again: another model was opened. */
  async modelOpened(): Promise<void> {
    this.#compare.setAvailable(this.#open.predictUrl !== undefined);
    const labels = this.#open.model?.metadata.labels ?? [];
    const [first] = this.#showDrawings(labels);
    // What another model knew a picture to be may be no class of this one.
    const asked = this.#asked;
    const drawn = await this.#drawn;
    const already = (given: Given): Classification | undefined =>
      given === this.#offered ? this.#open.model?.first : undefined;
    if (asked) {
      const truth = labels.find((label) => label === asked.truth);
      await this.#run({ ...asked, truth }, already(asked));
    }
    // Something to look at from the start, rather than an empty page.
    else if (first?.canvas === this.#drawings[0]!.canvas && drawn)
      await this.#run({ ...drawn, truth: first.truth }, already(drawn));
    else if (first) await this.classifyThumb(first);
  }

  async #crop(region: Region): Promise<void> {
    if (this.#given) await this.#run({ ...this.#given, region });
  }

  /** @param already what the model said of it when it was opened */
  async #run(given: Given, already?: Classification): Promise<Classification | undefined> {
    const turn = ++this.#turn;
    this.#asked = given;
    this.#picture.error.clear();
    if (!this.#open.model) {
      if (!this.#open.isComing)
        this.#picture.error.show(new UserError('No model is open; open an .onnx file first.'));
      return undefined;
    }
    this.#result.showBusy();
    try {
      const { file, key, region } = given;
      const result =
        already ?? (await this.#client.call('classify', { file, key, ...(region ? { region } : {}) }));
      if (turn !== this.#turn) return undefined;
      this.#given = given;
      this.#shown = result;
      this.#picture.show(file, result);
      this.#result.show(result, given.truth);
      measureFirstPrediction();
      this.#compare.clear();
      if (this.#heat.isOn) {
        const again = result.top.find(({ index }) => index === this.#explained?.index) ?? result.top[0];
        void this.#explain(again);
      }
      return result;
    } catch (error) {
      if (turn !== this.#turn) return undefined;
      this.#asked = this.#given;
      this.#result.showIdle();
      this.#picture.error.show(error);
      return undefined;
    }
  }

  /** Classifies without showing: a frame of the camera. */
  async #peek(file: Blob): Promise<Classification | undefined> {
    if (!this.#open.model) return undefined;
    return this.#client.call('classify', { file, key: ++this.#lastKey });
  }

  #bestGuess(result: Classification | undefined): string {
    const [best] = result?.top ?? [];
    return best ? `${readable(best.label)}, ${formatPercent(best.probability, 0)}` : '';
  }

  async #explain(guess: RankedClass | undefined): Promise<void> {
    if (!guess) return;
    this.#explaining?.abort();
    const mine = new AbortController();
    const { model } = this.#open;
    this.#explaining = mine;
    this.#explained = guess;
    this.#result.mark(guess.index);
    this.#heat.showBusy(0, 0);
    try {
      const map = await this.#client.call(
        'explain',
        { index: guess.index },
        {
          signal: mine.signal,
          onProgress: ({ done, total }) => {
            if (this.#explaining === mine) this.#heat.showBusy(done, total);
          },
        },
      );
      if (this.#explaining === mine) {
        this.#heat.show(map, guess.label);
        byId('heat', HTMLCanvasElement).scrollIntoView({ block: 'nearest' });
      }
    } catch (error) {
      if (this.#explaining !== mine || isAbort(error)) return;
      // Its model was closed under it; the one that comes instead draws a new map.
      if (this.#open.isComing || this.#open.model !== model) return;
      this.#hideHeat();
      this.#picture.error.show(error);
    }
  }

  #hideHeat(): void {
    this.#explaining?.abort();
    this.#explaining = undefined;
    this.#explained = undefined;
    this.#heat.hide();
    this.#result.mark(undefined);
  }

  async #askServer(): Promise<void> {
    const [given, shown, url, model] = [this.#given, this.#shown, this.#open.predictUrl, this.#open.model];
    if (!given || !shown || !url || !model) return;
    this.#compare.clear();
    this.#compare.setBusy(true);
    try {
      // The file as it is, so that the server's own decoder and crop are compared too.
      const picture = given.region ? await cutOut(given.file, given.region) : given.file;
      this.#compare.show(shown, await askServer(url, picture, model.metadata.labels.length));
    } catch (error) {
      this.#compare.error.show(error);
    } finally {
      this.#compare.setBusy(false);
    }
  }
}

const NAME = 'first-prediction';

/**
 * Measures once, and says at the page's foot, how long after the start of its navigation the page has shown a
 * prediction; a `PerformanceMeasure` of that name.
 */
function measureFirstPrediction(): void {
  if (performance.getEntriesByName(NAME).length > 0) return;
  // The second frame comes after the first one was painted. A page in the background has none.
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      if (performance.getEntriesByName(NAME).length > 0) return;
      const { duration } = performance.measure(NAME, { start: 0 });
      byId('first-prediction', HTMLElement).textContent =
        `First guess ${(duration / 1000).toFixed(1)} s after opening.`;
    }),
  );
}

/** A region of a picture as a PNG file, which keeps every pixel; transparency is laid over white. */
async function cutOut(file: Blob, region: Region): Promise<Blob> {
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image', premultiplyAlpha: 'none' });
  try {
    const canvas = new OffscreenCanvas(region.width, region.height);
    const context = canvas.getContext('2d');
    if (!context) throw new Error('this browser has no 2D canvas');
    context.fillStyle = '#ffffff';
    context.fillRect(0, 0, region.width, region.height);
    context.drawImage(bitmap, -region.left, -region.top);
    return await canvas.convertToBlob({ type: 'image/png' });
  } finally {
    bitmap.close();
  }
}
