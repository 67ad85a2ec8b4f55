import { fewClasses } from '../../../core/metrics/few-classes.ts';
import type { ModelAccuracy, Precision } from '../../../core/model-metadata.ts';
import { byId } from '../dom/elements.ts';
import { ErrorLine } from '../dom/error-line.ts';
import { formatBytes, formatCount, formatPercent } from '../format.ts';
import { chosenFiles, type PathFile } from '../picture/dropped-files.ts';
import { countRecords, FULL_TEST_SET } from '../test-set/records.ts';
import { sizeOfSource, type TestSetSource } from '../test-set/source.ts';
import type {
  EvaluationDetails,
  EvaluationReport,
  EvaluationState,
  Mistake,
  OpenedModel,
} from '../worker/protocol.ts';
import { ConfusionView } from './confusion-view.ts';
import { MistakesView } from './mistakes-view.ts';

export interface TestSetActions {
  run: (limit: number) => void;
  pause: (paused: boolean) => void;
  stop: () => void;
  pickMistake: (mistake: Mistake) => void;
  chooseFile: (file: File) => void;
  /** All files of a folder. */
  chooseFolder: (files: readonly PathFile[]) => void;
}

/** The card that runs the test set. */
export class TestSetView {
  readonly error = new ErrorLine(byId('test-error', HTMLElement));
  readonly #form = byId('test-form', HTMLFormElement);
  readonly #source = byId('test-source', HTMLElement);
  readonly #all = byId('sample-all', HTMLElement);
  readonly #run = byId('run', HTMLButtonElement);
  readonly #pause = byId('pause', HTMLButtonElement);
  readonly #stop = byId('stop', HTMLButtonElement);
  readonly #file = byId('test-file', HTMLInputElement);
  readonly #folder = byId('test-folder', HTMLInputElement);
  readonly #panel = byId('test-run', HTMLElement);
  readonly #progress = byId('test-progress', HTMLProgressElement);
  readonly #progressText = byId('test-progress-text', HTMLElement);
  readonly #top1 = byId('stat-top1', HTMLElement);
  readonly #top5 = byId('stat-top5', HTMLElement);
  readonly #loss = byId('stat-loss', HTMLElement);
  readonly #speed = byId('stat-speed', HTMLElement);
  readonly #verdict = byId('test-verdict', HTMLElement);
  readonly #details = byId('test-details', HTMLElement);
  readonly #confusion = new ConfusionView(byId('confusion', HTMLElement));
  readonly #mistakes: MistakesView;
  #labels: readonly string[] = [];
  #running = false;
  /** Whether the pictures are the reader's own. */
  #own = false;
  #paused = false;
  #ready = { source: false, model: false };

  constructor(actions: TestSetActions) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      actions.run(this.#limit());
    });
    this.#stop.addEventListener('click', () => actions.stop());
    this.#pause.addEventListener('click', () => {
      this.#setPaused(!this.#paused);
      actions.pause(this.#paused);
    });
    this.#mistakes = new MistakesView(actions.pickMistake);
    this.#file.addEventListener('change', () => {
      const file = this.#file.files?.[0];
      if (file) actions.chooseFile(file);
      this.#file.value = '';
    });
    this.#folder.addEventListener('change', () => {
      actions.chooseFolder(chosenFiles(this.#folder.files ?? []));
      this.#folder.value = '';
    });
    this.showSource(undefined);
  }

  /** Whether there is a model to run. */
  setModelReady(ready: boolean): void {
    this.#ready.model = ready;
    this.#update();
  }

  /**
   * Says where the test pictures come from.
   * @throws UserError if that cannot be a file of the data set
   */
  showSource(source: TestSetSource | undefined): void {
    if (source === undefined) {
      this.#source.textContent =
        'none on this server; choose test.bin of the CIFAR-100 binary version, or a folder.';
    } else {
      const count =
        'pictures' in source ? source.pictures.length : countRecords(sizeOfSource(source), source.name);
      const whole = 'pictures' in source || count === FULL_TEST_SET;
      this.#all.textContent = `All ${formatCount(count)}`;
      const odd = whole ? '' : ` – the full test set has ${formatCount(FULL_TEST_SET)}`;
      this.#source.textContent = `${source.name}, ${formatCount(count)} pictures${odd}.`;
    }
    this.#own = source !== undefined && 'pictures' in source;
    this.#ready.source = source !== undefined;
    this.#verdict.textContent = '';
    this.error.clear();
    this.#update();
  }

  /** @param labels the open model's classes */
  showStarted(labels: readonly string[]): void {
    this.#running = true;
    this.#labels = labels;
    this.#top5.parentElement!.hidden = this.#few;
    this.#setPaused(false);
    this.#details.hidden = true;
    this.error.clear();
    this.#verdict.textContent = '';
    this.#panel.hidden = false;
    this.#progress.removeAttribute('value');
    this.#progressText.textContent = 'Starting…';
    for (const stat of [this.#top1, this.#top5, this.#loss, this.#speed]) stat.textContent = '–';
    this.#update();
    // The button that had the focus is disabled now; the one that makes sense next gets it.
    this.#stop.focus();
  }

  showState(state: EvaluationState): void {
    const { done, total } = state.progress;
    if (total > 0) this.#progress.value = done / total;
    this.#progressText.textContent =
      state.phase === 'loading'
        ? `Fetching the test set: ${formatBytes(done)}${total > 0 ? ` of ${formatBytes(total)}` : ''}`
        : `${formatCount(done)} of ${formatCount(total)} pictures${state.phase === 'paused' ? ', paused' : ''}`;
    if (state.details) this.#showDetails(state.details);
    if (state.accuracy) this.#showAccuracy(state.accuracy, state.imagesPerSecond ?? 0);
  }

  /** @param model whose metadata may have an accuracy */
  showReport(report: EvaluationReport, { metadata, precision }: OpenedModel): void {
    const { accuracy } = report;
    this.#showAccuracy(accuracy, report.imagesPerSecond);
    this.#showDetails(report.details);
    this.#progressText.textContent = `${report.stopped ? 'Stopped after' : 'Done:'} ${formatCount(accuracy.images)} pictures in ${report.seconds.toFixed(1)} s`;
    this.#verdict.textContent =
      `${formatCount(accuracy.top1Correct)} right${this.#few ? '' : ` and ${formatCount(accuracy.top5Correct)} within the best five`}, ` +
      [
        `of ${formatCount(accuracy.images)}.`,
        ...(this.#own ? [] : [compareWithTrainer(accuracy, metadata.accuracy, precision)]),
        ...report.notes,
      ].join(' ');
  }

  /** The run has ended, one way or the other. */
  showEnded(): void {
    const hadFocus = document.activeElement === this.#stop;
    this.#running = false;
    this.#setPaused(false);
    this.#update();
    if (hadFocus) this.#run.focus();
  }

  /** Hides a run that never got anywhere. */
  hideRun(): void {
    this.#panel.hidden = true;
  }

  #showDetails({ confusion, mistakes }: EvaluationDetails): void {
    this.#details.hidden = false;
    this.#confusion.show(confusion, this.#labels);
    this.#mistakes.show(mistakes, this.#labels);
  }

  get #few(): boolean {
    return fewClasses(this.#labels);
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#pause.textContent = paused ? 'Go on' : 'Pause';
  }

  #showAccuracy(accuracy: ModelAccuracy, imagesPerSecond: number): void {
    if (accuracy.images === 0) return;
    this.#top1.textContent = formatPercent(accuracy.top1);
    this.#top1.dataset.correct = String(accuracy.top1Correct);
    this.#top5.textContent = formatPercent(accuracy.top5);
    this.#top5.dataset.correct = String(accuracy.top5Correct);
    this.#loss.textContent = accuracy.loss.toFixed(3);
    this.#speed.textContent = formatCount(Math.round(imagesPerSecond));
  }

  #limit(): number {
    const value = new FormData(this.#form).get('sample');
    return value === 'all' ? Number.MAX_SAFE_INTEGER : Number(value);
  }

  #update(): void {
    this.#run.disabled = this.#running || !this.#ready.source || !this.#ready.model;
    this.#stop.disabled = !this.#running;
    this.#pause.disabled = !this.#running;
    this.#file.disabled = this.#folder.disabled = this.#running;
    for (const radio of this.#form.querySelectorAll<HTMLInputElement>('input[type=radio]')) {
      radio.disabled = this.#running;
    }
  }
}

/**
 * Says in a sentence how a run in this browser compares with what the trainer measured.
 * @param trained the accuracy in the model's metadata, if it has one: of its float32 weights, whatever its precision
 */
export function compareWithTrainer(
  measured: ModelAccuracy,
  trained: ModelAccuracy | undefined,
  precision: Precision = 'fp32',
): string {
  if (!trained) return 'The model carries no accuracy of its own to compare with.';
  if (measured.images !== trained.images) {
    return `The trainer counted ${formatCount(trained.images)}; run as many to compare.`;
  }
  const off1 = measured.top1Correct - trained.top1Correct;
  const off5 = measured.top5Correct - trained.top5Correct;
  if (off1 === 0 && off5 === 0) return 'Exactly what the trainer measured.';
  const trainer = `The trainer measured ${formatCount(trained.top1Correct)} and ${formatCount(trained.top5Correct)}`;
  // Sums in another order round differently; a close call can then go the other way.
  const off = Math.max(Math.abs(off1), Math.abs(off5));
  const rounding = off <= 5;
  // An export that loses more than a point is not to be called the same.
  if (!rounding && precision !== 'fp32' && off <= 0.01 * trained.images)
    return `${trainer} in float32, before the model was written in ${precision}.`;
  return `${trainer}${rounding ? ': the same but for rounding.' : '; is this the data set the model was trained on?'}`;
}
