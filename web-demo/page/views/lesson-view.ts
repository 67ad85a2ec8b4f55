import type { LineChart } from '../../../core/plot/line-chart.ts';
import { ChartArea } from '../dom/chart.ts';
import { byId } from '../dom/elements.ts';
import { formatBytes, formatPercent } from '../format.ts';
import type { LessonEpoch, LessonProgress, LessonResult } from '../teach/protocol.ts';
import { ConfusionView } from './confusion-view.ts';

/** The curves of a lesson in progress, and its result. */
export class LessonView {
  readonly #card = byId('teach-progress', HTMLElement);
  readonly #status = byId('teach-status', HTMLElement);
  readonly #bar = byId('teach-bar', HTMLProgressElement);
  readonly #charts = new ChartArea(byId('teach-charts', HTMLElement));
  readonly #try = byId('teach-try', HTMLButtonElement);
  readonly #download = byId('teach-download', HTMLAnchorElement);
  readonly #result = byId('teach-result', HTMLElement);
  readonly #confusion = new ConfusionView(byId('teach-confusion', HTMLElement));
  readonly #note = byId('teach-note', HTMLElement);
  readonly #serve = byId('teach-serve', HTMLElement);
  #address: string | undefined;
  #downloaded = true;

  constructor(onTry: () => void) {
    this.#try.addEventListener('click', onTry);
    this.#download.addEventListener('click', () => {
      this.#downloaded = true;
    });
  }

  /** Whether there is a model that would be lost with the page. */
  get unsaved(): boolean {
    return !this.#downloaded;
  }

  showStarted(): void {
    this.#card.hidden = false;
    this.#try.disabled = true;
    this.#download.hidden = this.#result.hidden = this.#serve.hidden = this.#note.hidden = true;
    this.#status.dataset.live = 'true';
    this.#status.textContent = 'Starting…';
    this.#bar.value = 0;
    this.#charts.show([]);
  }

  showProgress({ status, done, epochs }: LessonProgress): void {
    this.#status.textContent = status;
    this.#bar.value = done;
    if (epochs.length > 0) this.#charts.show(lessonCharts(epochs));
  }

  showResult(result: LessonResult, classes: readonly string[], epochs: readonly LessonEpoch[]): void {
    const heldOut = epochs.at(-1)?.testTop1;
    const quality =
      heldOut === undefined
        ? 'too few pictures to hold some out'
        : `${formatPercent(heldOut, 1)} of ${result.heldOut} held-out pictures right`;
    this.#status.dataset.live = 'false';
    this.#status.textContent = `${result.stopped ? 'Stopped' : 'Done'} after ${result.seconds.toFixed(1)} s: ${quality}`;
    this.#bar.value = 1;
    this.#note.textContent = result.notes.join(' ');
    this.#note.hidden = result.notes.length === 0;
    this.#try.disabled = false;
    if (this.#address !== undefined) URL.revokeObjectURL(this.#address);
    this.#address = URL.createObjectURL(new Blob([result.model], { type: 'application/octet-stream' }));
    this.#download.href = this.#address;
    this.#download.download = `${result.name}.onnx`;
    this.#download.textContent = `Download .onnx (${formatBytes(result.model.length)})`;
    this.#download.hidden = false;
    this.#downloaded = false;
    this.#result.hidden = result.heldOut === 0;
    this.#confusion.show(result.confusion, classes);
    byId('teach-command', HTMLElement).textContent = `npm run serve -- --model ${result.name}.onnx`;
    this.#serve.hidden = false;
  }

  hide(): void {
    this.#card.hidden = true;
  }
}

function lessonCharts(epochs: readonly LessonEpoch[]): LineChart[] {
  const points = (value: (epoch: LessonEpoch) => number) =>
    epochs.map((epoch) => ({ x: epoch.epoch, y: value(epoch) }));
  const axis = { xLabel: 'epoch', xIntegers: true };
  return [
    { title: 'Loss, nats', series: [{ name: 'train', points: points((e) => e.trainLoss) }], ...axis },
    {
      title: 'Accuracy, %',
      series: [
        { name: 'train', points: points((e) => 100 * e.trainTop1) },
        { name: 'held out', points: points((e) => 100 * (e.testTop1 ?? Number.NaN)) },
      ],
      yMin: 0,
      ...axis,
    },
  ];
}
