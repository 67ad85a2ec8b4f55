import { CIFAR100_LABELS } from '../../../core/data/cifar100-superclasses.ts';
import { errorMessage } from '../../../core/errors.ts';
import type { PixelImage } from '../../../core/preprocess/pixel-image.ts';
import { byId } from '../dom/elements.ts';
import { ErrorLine } from '../dom/error-line.ts';
import { keepClasses, keptClasses } from '../teach/kept.ts';
import type { LessonEpoch, LessonResult, TeachCalls, TeachMethod } from '../teach/protocol.ts';
import { CifarRecords } from '../test-set/records.ts';
import { type CifarSource, readPart, sizeOfSource } from '../test-set/source.ts';
import type { CameraDialog } from '../views/camera-dialog.ts';
import { ClassCard, type ClassCardActions } from '../views/class-card.ts';
import { LessonView } from '../views/lesson-view.ts';
import { readable } from '../views/result-view.ts';
import type { OpenedModel } from '../worker/protocol.ts';
import { isAbort, WorkerClient } from '../worker-client.ts';
import type { OpenModel } from './open-model.ts';
import type { TestPage } from './test-page.ts';

/** What "Fill with CIFAR classes" shows: easily told apart, so that a short lesson succeeds. */
const EXAMPLE_CLASSES = ['sunflower', 'motorcycle', 'sea', 'wardrobe'];

/** What each way to train does, and how often it goes over the pictures unless told otherwise. */
const METHODS: Readonly<Record<TeachMethod, { epochs: number; what: string }>> = {
  head: {
    epochs: 30,
    what: 'A new last layer is trained on what the model makes of each picture; all else stays. Takes seconds.',
  },
  part: {
    epochs: 8,
    what: 'The last quarter of the model is trained on, by what the layers before make of each picture. Mostly less than a minute.',
  },
  whole: {
    epochs: 5,
    what: 'All of the model is trained on, with pictures shifted and mirrored: best where yours are unlike those it knows. Takes minutes if it is large.',
  },
  scratch: {
    epochs: 30,
    what: 'A ResNet of eight layers begins with random weights, on 32×32 pixels.',
  },
};

/** The page that trains a classifier of the reader's own classes, in a worker of its own. */
export class TeachPage {
  readonly #open: OpenModel;
  readonly #camera: CameraDialog;
  readonly #test: TestPage;
  readonly #cards: ClassCard[] = [];
  readonly #list = byId('classes', HTMLElement);
  readonly #form = byId('teach-form', HTMLFormElement);
  readonly #start = byId('teach-start', HTMLButtonElement);
  readonly #stop = byId('teach-stop', HTMLButtonElement);
  readonly #epochs = byId('teach-epochs', HTMLInputElement);
  readonly #hint = byId('teach-hint', HTMLElement);
  readonly #fill = byId('cifar-classes', HTMLButtonElement);
  readonly #error = new ErrorLine(byId('teach-error', HTMLElement));
  readonly #lesson = new LessonView(() => void this.#tryIt());
  /** Started with the first lesson: most readers never need it. */
  #client: WorkerClient<{ [K in keyof TeachCalls]: TeachCalls[K] }> | undefined;
  #running: AbortController | undefined;
  /** Whether the classes are as they were when they were kept last; false also where the browser keeps nothing. */
  #kept = true;
  #keeping: ReturnType<typeof setTimeout> | undefined;
  #restoring: Promise<void> | undefined;
  #result: LessonResult | undefined;

  constructor(open: OpenModel, camera: CameraDialog, test: TestPage) {
    this.#open = open;
    this.#camera = camera;
    this.#test = test;
    byId('add-class', HTMLButtonElement).addEventListener('click', () => this.#addClass());
    this.#fill.addEventListener('click', () => void this.#fillWithCifar());
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#teach();
    });
    this.#stop.addEventListener('click', () => this.#running?.abort());
    this.#form.addEventListener('change', ({ target }) => {
      if (target !== this.#epochs) this.#showMethod();
    });
    this.#showMethod();
    addEventListener('beforeunload', (event) => {
      const pictures = !this.#kept && this.#cards.some(({ images }) => images.length > 0);
      if (pictures || this.#running || this.#lesson.unsaved) event.preventDefault();
    });
  }

  modelOpened(_model: OpenedModel): void {
    this.#fill.hidden = this.#test.source === undefined;
    this.#restoring ??= this.#restore();
    this.#describeMethod();
    this.#update();
  }

  /** The classes of the visit before, or two empty ones. */
  async #restore(): Promise<void> {
    const classes = await keptClasses().catch(() => []);
    for (const { name, images } of classes) this.#addClass(name).replace(images);
    if (this.#cards.length === 0) for (const name of ['first', 'second']) this.#addClass(name);
    this.#kept = true;
    clearTimeout(this.#keeping);
  }

  /** A little later: a burst of changes is one. */
  #keepSoon(): void {
    this.#kept = false;
    clearTimeout(this.#keeping);
    this.#keeping = setTimeout(() => void this.#keep(), 200);
  }

  async #keep(): Promise<void> {
    const mine = this.#keeping;
    try {
      await keepClasses(this.#cards.map(({ name, images }) => ({ name, images: [...images] })));
      // Unless something changed meanwhile.
      if (mine === this.#keeping) this.#kept = true;
    } catch (error) {
      byId('teach-kept', HTMLElement).textContent =
        `this browser keeps no pictures (${errorMessage(error)}): they are lost when the page is closed.`;
    }
  }

  get #method(): TeachMethod {
    return new FormData(this.#form).get('method') as TeachMethod;
  }

  #showMethod(): void {
    this.#epochs.value = String(METHODS[this.#method].epochs);
    this.#describeMethod();
  }

  #describeMethod(): void {
    const { what } = METHODS[this.#method];
    const { model, trainable } = this.#open;
    const instead =
      this.#method === 'scratch' || !model || !trainable || trainable.name === model.name
        ? ''
        : ` Training goes on from float32, and ${model.name} is of ${model.precision}: ${trainable.name} learns in its place.`;
    byId('teach-method', HTMLElement).textContent = `${what}${instead}`;
  }

  /** Asks before pictures are lost. */
  #mayLose(cards: readonly ClassCard[]): boolean {
    const count = cards.reduce((sum, { images }) => sum + images.length, 0);
    const what = cards.length === 1 ? `“${cards[0]!.name}”` : 'the classes';
    return count === 0 || confirm(`Remove ${what} with ${count} picture${count === 1 ? '' : 's'}?`);
  }

  /** Takes pictures that were dropped or pasted: for the class with the fewest. */
  take(files: readonly File[]): void {
    const fewest = [...this.#cards].sort((a, b) => a.images.length - b.images.length)[0];
    fewest?.add(files);
  }

  #addClass(name = `class ${this.#cards.length + 1}`): ClassCard {
    const cifar = this.#test.source === undefined ? undefined : CIFAR100_LABELS;
    const actions: ClassCardActions = {
      changed: () => {
        this.#update();
        this.#keepSoon();
      },
      camera: (card) => void this.#camera.open({ onPicture: (file) => card.add([file]), several: true }),
      remove: (card) => {
        if (this.#mayLose([card])) this.#remove(card);
      },
      mayEmpty: (card) => this.#mayLose([card]),
      cifar: (card, label) => void this.#useCifar(card, label),
    };
    const card = new ClassCard(name, cifar, actions);
    this.#cards.push(card);
    this.#list.append(card.element);
    this.#update();
    return card;
  }

  #remove(card: ClassCard): void {
    card.dispose();
    this.#cards.splice(this.#cards.indexOf(card), 1);
    this.#update();
    this.#keepSoon();
  }

  async #useCifar(card: ClassCard, label: number): Promise<void> {
    const { source } = this.#test;
    if (!source) return;
    try {
      const images = await picturesOfClass(source, label, CIFAR100_LABELS.length);
      card.name = readable(CIFAR100_LABELS[label]!);
      card.replace(images);
    } catch (error) {
      this.#error.show(error);
    }
  }

  async #fillWithCifar(): Promise<void> {
    this.#error.clear();
    if (!this.#mayLose(this.#cards)) return;
    for (const card of [...this.#cards]) this.#remove(card);
    for (const name of EXAMPLE_CLASSES) {
      await this.#useCifar(this.#addClass(readable(name)), CIFAR100_LABELS.indexOf(name));
    }
  }

  #update(): void {
    const problem = this.#problem();
    this.#hint.textContent = problem ?? '';
    this.#start.disabled = problem !== undefined || this.#running !== undefined;
    this.#stop.disabled = this.#running === undefined;
  }

  /** What is missing before a lesson can start. */
  #problem(): string | undefined {
    if (this.#cards.length < 2) return 'Add a second class: there must be something to tell apart.';
    const names = this.#cards.map((card) => card.name);
    if (names.some((name) => name === '')) return 'Give every class a name.';
    if (new Set(names).size < names.length) return 'Two classes have the same name.';
    const empty = this.#cards.find((card) => card.images.length === 0);
    if (empty) return `“${empty.name}” has no pictures yet; five or more a class work best.`;
    return undefined;
  }

  async #teach(): Promise<void> {
    if (this.#running || this.#problem() !== undefined) return;
    const controller = new AbortController();
    this.#running = controller;
    this.#error.clear();
    this.#lesson.showStarted();
    this.#update();
    this.#stop.focus();
    let epochs: readonly LessonEpoch[] = [];
    const classes = this.#cards.map(({ name, images }) => ({ name, images: [...images] }));
    try {
      this.#client ??= new WorkerClient(
        new Worker(new URL('../teach/worker.ts', import.meta.url), { type: 'module' }),
      );
      const { trainable: source } = this.#open;
      const result = await this.#client.call(
        'teach',
        {
          classes,
          method: this.#method,
          epochs: Math.max(1, Math.min(500, Math.round(Number(this.#epochs.value)) || 1)),
          seed: 1,
          backend: this.#open.model?.backend ?? 'wasm',
          ...(source ? { base: source } : {}),
        },
        {
          signal: controller.signal,
          onProgress: (progress) => {
            ({ epochs } = progress);
            this.#lesson.showProgress(progress);
          },
        },
      );
      this.#result = result;
      this.#lesson.showResult(
        result,
        classes.map(({ name }) => name),
        epochs,
      );
    } catch (error) {
      this.#lesson.hide();
      if (!isAbort(error)) this.#error.show(error);
    } finally {
      this.#running = undefined;
      this.#update();
    }
  }

  async #tryIt(): Promise<void> {
    if (!this.#result) return;
    const { model, name } = this.#result;
    location.hash = '#classify';
    await this.#open.open({ name: `${name}.onnx`, file: new Blob([model]) });
  }
}

/** The file read last: choosing several classes must not fetch thirty megabytes each time. */
let cached: { source: CifarSource; records: CifarRecords } | undefined;

/**
 * All pictures of a class in the test set.
 * @param classes how many classes there are
 * @throws UserError if the file is not CIFAR-100's test set
 */
async function picturesOfClass(source: CifarSource, label: number, classes: number): Promise<PixelImage[]> {
  if (cached?.source !== source) {
    const bytes = await readPart(source, 0, sizeOfSource(source));
    cached = { source, records: new CifarRecords(bytes, classes, source.name) };
  }
  const { records } = cached;
  const images: PixelImage[] = [];
  records.labels.forEach((own, i) => {
    if (own === label) images.push({ data: records.rgba(i), width: 32, height: 32, channels: 4 });
  });
  return images;
}
