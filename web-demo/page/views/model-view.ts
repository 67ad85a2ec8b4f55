import { UserError } from '../../../core/errors.ts';
import { byId, create } from '../dom/elements.ts';
import { ErrorLine } from '../dom/error-line.ts';
import { formatBytes, formatCount, formatParameters, formatPercent } from '../format.ts';
import { chosenFiles, modelAmong } from '../picture/dropped-files.ts';
import type { SiteModel } from '../site-index.ts';
import type { BackendChoice, ModelSource, OpenedModel, Progress } from '../worker/protocol.ts';

/** The model picker and the facts of the open model. */
export class ModelView {
  readonly error = new ErrorLine(byId('model-error', HTMLElement));
  readonly #select = byId('model-select', HTMLSelectElement);
  readonly #backendSelect = byId('backend-select', HTMLSelectElement);
  readonly #loading = byId('model-loading', HTMLElement);
  readonly #loadingText = byId('model-loading-text', HTMLElement);
  readonly #progress = byId('model-progress', HTMLProgressElement);
  readonly #facts = byId('model-facts', HTMLElement);
  readonly #note = byId('model-note', HTMLElement);
  readonly #backend = byId('backend', HTMLElement);
  /** On a phone picker and facts are folded behind it. */
  readonly #fold = byId('model-fold', HTMLButtonElement);
  #models: SiteModel[] = [];

  /**
   * @param onChoose called with a model of the list or a file
   * @param onBackend called when something else is to compute
   */
  constructor(onChoose: (source: ModelSource) => void, onBackend: () => void) {
    this.#select.addEventListener('change', () => {
      const model = this.#models.find(({ name }) => name === this.#select.value);
      if (model) onChoose(model);
    });
    this.#backendSelect.addEventListener('change', onBackend);
    this.#fold.addEventListener('click', () => {
      this.#fold.ariaExpanded = String(this.#fold.ariaExpanded !== 'true');
    });
    for (const id of ['model-file', 'model-folder']) {
      const input = byId(id, HTMLInputElement);
      input.addEventListener('change', () => {
        const files = chosenFiles(input.files ?? []);
        const model = modelAmong(files);
        if (model) onChoose(model);
        else if (files[0])
          this.error.show(new UserError(`${files[0].path.split('/')[0]} holds no .onnx file.`));
        // So that the same file, written anew, can be chosen again.
        input.value = '';
      });
    }
  }

  /** What is to compute. */
  get backend(): BackendChoice {
    return this.#backendSelect.value as BackendChoice;
  }

  /** Fills the picker, in groups by folder. */
  list(models: SiteModel[], selected: string): void {
    this.#models = models;
    const groups = new Map<string, HTMLOptGroupElement>();
    for (const { name, bytes } of models) {
      const title = name.startsWith('exports/') ? 'Exported here' : 'Ready to use';
      const group = groups.get(title) ?? create('optgroup');
      group.label = title;
      groups.set(title, group);
      const size = bytes > 0 ? `  (${formatBytes(bytes)})` : '';
      group.append(new Option(`${name.replace(/^exports\//, '')}${size}`, name, false, name === selected));
    }
    this.#select.replaceChildren(...groups.values());
    this.#select.disabled = models.length === 0;
  }

  showLoading(name: string): void {
    this.error.clear();
    this.#loading.hidden = false;
    this.#loadingText.textContent = `Loading ${name}…`;
    this.#progress.removeAttribute('value');
  }

  /** The file, and what it needs to run; compressed on the way, so that a share says more than bytes. */
  showProgress(name: string, { done, total }: Progress): void {
    if (total > 0) this.#progress.value = done / total;
    const share = total > 0 ? `${formatPercent(done / total, 0)}` : formatBytes(done);
    this.#loadingText.textContent =
      total > 0 && done >= total ? `Preparing ${name}…` : `Loading ${name}: ${share}`;
  }

  showOpened(model: OpenedModel): void {
    this.#loading.hidden = true;
    this.#facts.hidden = false;
    this.#select.value = model.name;
    if (this.#select.value !== model.name) {
      // A file from disk: the picker shows it, but it cannot be chosen again from there.
      const option = new Option(model.name, model.name, false, true);
      option.disabled = true;
      this.#select.append(option);
    }
    const { metadata } = model;
    this.#fold.textContent = `Model: ${model.name}`;
    const facts: [string, string][] = [
      ['Network', metadata.model],
      ['Trained on', `${metadata.dataset}, ${formatCount(metadata.labels.length)} classes`],
      ...(metadata.scores === 'independent' ? [['Scores', 'each class by itself'] as [string, string]] : []),
      ['Input', `${metadata.inputWidth}×${metadata.inputHeight}`],
      ['Weights', `${formatParameters(model.parameters)}, ${model.precision}`],
      ['Test accuracy', describeAccuracy(model)],
    ];
    this.#facts.replaceChildren(
      ...facts.map(([term, value]) => {
        const pair = create('div');
        pair.append(create('dt', '', term), create('dd', '', value));
        return pair;
      }),
    );
    const notes = model.notes.map((note) => `${note[0]!.toUpperCase()}${note.slice(1)}.`);
    if (model.assumed) notes.unshift(ASSUMED);
    this.#note.hidden = notes.length === 0;
    this.#note.textContent = notes.join(' ');
    this.#backend.textContent = `Backend: onnxruntime-web, ${describeBackend(model)}`;
    this.#backend.dataset.backend = model.backend;
  }

  /** @param still the model that stays open, if there is one */
  showFailed(error: unknown, still?: OpenedModel): void {
    this.#loading.hidden = true;
    if (still) this.#select.value = still.name;
    else this.#backend.textContent = this.#fold.textContent = 'No model is open.';
    this.error.show(error);
  }
}

const ASSUMED =
  'This file says nothing of its classes and normalisation: CIFAR’s normalisation is assumed, and its class names if there are a hundred. Give its folder, or the JSON beside it, with it if there is one.';

/** What the trainer measured, which was before the weights were stored in fewer bits. */
function describeAccuracy({ metadata, precision }: OpenedModel): string {
  if (!metadata.accuracy) return 'not measured';
  const { top1, images } = metadata.accuracy;
  return `${formatPercent(top1)} of ${formatCount(images)} pictures${precision === 'fp32' ? '' : ', as fp32'}`;
}

function describeBackend({ backend, threads, fallback }: OpenedModel): string {
  if (backend === 'webgpu') return 'WebGPU.';
  const isolated = self.crossOriginIsolated
    ? ''
    : self.isSecureContext
      ? ' (the server sends no COOP/COEP headers, so there is only one)'
      : ' (plain http to another machine is no secure context, where browsers give no threads, camera or use offline: open the page by https or on localhost)';
  const why = fallback === undefined ? '' : ` ${fallback[0]!.toUpperCase()}${fallback.slice(1)}.`;
  return `WebAssembly SIMD, ${threads} thread${threads === 1 ? '' : 's'}${isolated}.${why}`;
}
