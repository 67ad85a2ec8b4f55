import { UserError } from '../../../core/errors.ts';
import { keepAlso } from '../service-worker/register.ts';
import type { SiteIndex } from '../site-index.ts';
import { ModelView } from '../views/model-view.ts';
import { fetchModel } from '../worker/download.ts';
import type { Calls, ClassifyRequest, ModelSource, OpenedModel, Progress } from '../worker/protocol.ts';
import type { WorkerClient } from '../worker-client.ts';

export type InferenceClient = WorkerClient<{ [K in keyof Calls]: Calls[K] }>;

/** The model that all pages work with. */
export class OpenModel {
  readonly #client: InferenceClient;
  readonly #view: ModelView;
  readonly #beforeChange: () => void;
  readonly #firstPicture: () => Promise<ClassifyRequest>;
  readonly #onOpened: (model: OpenedModel) => void;
  #index: SiteIndex | undefined;
  #source: ModelSource | undefined;
  #model: OpenedModel | undefined;
  #opening: AbortController | undefined;
  #isComing = true;

  /**
   * @param beforeChange called when another model is about to be opened
   * @param firstPicture what a model is to look at as soon as it is open
   * @param onOpened called with every model that was opened
   */
  constructor(
    client: InferenceClient,
    beforeChange: () => void,
    firstPicture: () => Promise<ClassifyRequest>,
    onOpened: (model: OpenedModel) => void,
  ) {
    this.#client = client;
    this.#beforeChange = beforeChange;
    this.#firstPicture = firstPicture;
    this.#onOpened = onOpened;
    this.#view = new ModelView(
      (source) => void this.open(source),
      () => {
        if (this.#source) void this.open(this.#source);
      },
    );
  }

  get model(): OpenedModel | undefined {
    return this.#model;
  }

  /** Where the open model's bytes come from. */
  get source(): ModelSource | undefined {
    return this.#source;
  }

  /**
   * What can be trained on: the open model, or in place of one of fewer bits that the page began with the light one that
   * comes with the project, which is of float32.
   */
  get trainable(): ModelSource | undefined {
    const light = this.#index?.models.find(({ name }) => name === this.#index?.light);
    const own = this.#source !== undefined && 'url' in this.#source;
    return own && light && this.#model?.precision !== 'fp32' ? light : this.#source;
  }

  /** Whether there may be a model soon: a picture given meanwhile waits for it. */
  get isComing(): boolean {
    return this.#isComing;
  }

  /** Where the server answers for the open model; undefined if it does not have it. */
  get predictUrl(): string | undefined {
    return this.#index?.models.find(({ name }) => name === this.#model?.name)?.predict;
  }

  /** Opens the first model of the server, or the one that the page's address asks for. */
  async openFirst(index: SiteIndex): Promise<void> {
    this.#index = index;
    const suited = isWeak() ? (index.light ?? index.default) : index.default;
    const wanted = new URLSearchParams(location.search).get('model') ?? suited;
    const first = index.models.find(({ name }) => name === wanted) ?? index.models[0];
    this.#view.list(index.models, first?.name ?? '');
    if (!first) throw new UserError('This server has no model; open an .onnx file.');
    await this.open(first);
  }

  /** Shows why there is no model at all. */
  fail(error: unknown): void {
    this.#isComing = false;
    this.#view.showFailed(error, this.#model);
  }

  /** Opens a model; a later choice overrides one that is still loading. */
  async open(source: ModelSource): Promise<void> {
    this.#opening?.abort();
    const mine = new AbortController();
    this.#opening = mine;
    this.#isComing = true;
    this.#beforeChange();
    this.#view.showLoading(source.name);
    const parts: Record<'file' | 'runtime', Progress> = {
      file: { done: 0, total: ('url' in source && source.bytes) || 0 },
      // The first model waits for it too; most have no WebGPU.
      runtime: { done: 0, total: this.#model ? 0 : WASM_BYTES.wasm },
    };
    const show = (part: keyof typeof parts) => (progress: Progress) => {
      parts[part] = progress;
      if (this.#opening !== mine) return;
      const { file, runtime } = parts;
      this.#view.showProgress(source.name, {
        done: file.done + runtime.done,
        total: file.total + runtime.total,
      });
    };
    const { backend } = this.#view;
    try {
      // It goes on while the model is read, which then need not wait; what fails shows when the model is opened.
      this.#client
        .call('prepare', { backend }, { onProgress: show('runtime') })
        .then(() => {
          // It was there already, or another one will be needed.
          if (parts.runtime.done === 0) parts.runtime.total = 0;
        })
        .catch(() => undefined);
      // The picture is there before the model is; another may be given meanwhile.
      const [given] = await Promise.all([
        fetchModel(source, mine.signal, show('file'), parts.file.total),
        this.#firstPicture(),
      ]);
      const picture = await this.#firstPicture();
      const model = await this.#client.call(
        'open',
        { name: source.name, backend, picture, ...given },
        { signal: mine.signal, onProgress: show('runtime') },
      );
      if (this.#opening !== mine) return;
      this.#model = model;
      this.#source = source;
      this.#isComing = false;
      this.#view.showOpened(model);
      void keepAlso([model.runtimeUrl, ...('url' in source ? [source.url] : [])]);
      this.#onOpened(model);
    } catch (error) {
      if (this.#opening === mine) this.fail(error);
    }
  }
}

/** Whether line or device are such that a light model is the better first; what a browser does not tell is taken to be fine. */
function isWeak(): boolean {
  // https://wicg.github.io/netinfo/ and https://www.w3.org/TR/device-memory/; only Chromium's browsers have them.
  const { connection, deviceMemory = Infinity } = navigator as Navigator & {
    connection?: { saveData?: boolean; effectiveType?: string };
    /** GiB. */
    deviceMemory?: number;
  };
  const isSlow = ['slow-2g', '2g', '3g'].includes(connection?.effectiveType ?? '');
  return isSlow || connection?.saveData === true || deviceMemory <= 2;
}
