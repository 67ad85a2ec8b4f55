import { errorMessage, UserError } from '../../core/errors.ts';
import { UnavailableError } from '../http/http-error.ts';
import type { Limits } from '../http/limits.ts';
import { displayPath, loadServedModel } from '../model-file.ts';
import { type InferenceOptions, LoadedModel } from './loaded-model.ts';
import { fileStamp, type ModelSource } from './model-source.ts';
import { type ModelReference, noSuchModel, parseReference } from './reference.ts';

/** A model file as it was when it was loaded, or when loading it failed. */
interface Slot {
  stamp: string | undefined;
  model: LoadedModel | undefined;
}

export interface RegistryOptions {
  /** Which files are to be served now; asked again at every reload. */
  sources: () => Promise<ModelSource[]>;
  inference: (name: string, version: number) => InferenceOptions;
  limits: Limits;
  /** Told of each change, e.g. for the log. */
  onChange?: (event: RegistryEvent) => void;
}

export type RegistryEvent =
  | { type: 'loaded' | 'replaced' | 'removed'; name: string; version: number }
  | { type: 'failed'; path: string; reason: string };

/** The models being served, by name and version. Files that change are loaded beside what runs, then swapped. */
export class ModelRegistry {
  readonly #options: RegistryOptions;
  readonly #slots = new Map<string, Slot>();
  /** By name, versions ascending. Replaced as a whole, so that a request never sees half a reload. */
  #models = new Map<string, LoadedModel[]>();
  readonly #retiring = new Set<Promise<void>>();
  #seen = new Map<string, string | undefined>();
  #working: Promise<unknown> = Promise.resolve();
  #state: 'loading' | 'open' | 'closed' = 'loading';

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /**
   * Loads everything for the first time.
   * @param signal gives up before the next model
   * @throws UserError if a model cannot be used, two have one name and version, or there is none; the signal's
   *   reason
   */
  async open(signal?: AbortSignal): Promise<void> {
    const sources = await this.#options.sources();
    for (const source of sources) {
      signal?.throwIfAborted();
      await this.#load(source);
    }
    this.#publish(sources);
    this.#state = 'open';
  }

  /** Whether every model that is loaded can answer now. */
  get ready(): boolean {
    return this.#state === 'open' && this.#models.size > 0 && this.all().every(({ pool }) => pool.ready);
  }

  /** Every version of every model; the default model's first. */
  all(): LoadedModel[] {
    return [...this.#models.values()].flat();
  }

  /** The version numbers of a model, ascending. */
  versions(name: string): number[] {
    return (this.#models.get(name) ?? []).map(({ version }) => version);
  }

  /**
   * The model meant by a reference; without one the default, which is the first.
   * @throws HttpError 404 if there is none, 503 while models are being loaded
   */
  resolve(reference?: string | ModelReference): LoadedModel {
    if (this.#state !== 'open') throw new UnavailableError('the model is not ready yet; try again');
    const wanted = typeof reference === 'string' ? parseReference(reference) : reference;
    const versions = wanted ? this.#models.get(wanted.name) : this.#models.values().next().value;
    const found = wanted?.version
      ? versions?.find(({ version }) => version === wanted.version)
      : versions?.at(-1);
    if (found) return found;
    if (!wanted) throw new UnavailableError('there is no model to ask yet; try again');
    throw noSuchModel(wanted.version ? `${wanted.name}@${wanted.version}` : wanted.name);
  }

  /**
   * Brings what is served up to date with the files. What cannot be loaded leaves the old version running; a
   * file must look the same in two calls before it is read, as it may be half copied in the first.
   */
  reload(): Promise<void> {
    const next = this.#working.then(() => this.#reload());
    this.#working = next.catch(() => {});
    return next;
  }

  /** Stops everything once the requests under way are answered. */
  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#working;
    // Not those published: loading may have stopped half way.
    const models = [...this.#slots.values()].flatMap(({ model }) => model ?? []);
    await Promise.all([...models.map((model) => model.retire()), ...this.#retiring]);
  }

  async #reload(): Promise<void> {
    if (this.#state !== 'open') return;
    const sources = await this.#options.sources();
    const wanted = new Set(sources.map(slotKey));
    for (const key of this.#slots.keys()) if (!wanted.has(key)) this.#slots.delete(key);
    const seen = new Map<string, string | undefined>();
    for (const source of sources) {
      const stamp = await fileStamp(source.path);
      seen.set(source.path, stamp);
      const slot = this.#slots.get(slotKey(source));
      if (stamp === undefined || stamp === slot?.stamp || stamp !== this.#seen.get(source.path)) continue;
      try {
        await this.#load(source);
      } catch (error) {
        this.#slots.set(slotKey(source), { stamp, model: slot?.model });
        this.#options.onChange?.({ type: 'failed', path: source.path, reason: errorMessage(error) });
      }
    }
    this.#seen = seen;
    this.#publish(sources);
  }

  async #load(source: ModelSource): Promise<void> {
    const stamp = await fileStamp(source.path);
    const served = await loadServedModel(source.path, source.preprocessing);
    const id = { name: source.name ?? plainName(served.metadata.model), version: source.version };
    const other = [...this.#slots].find(
      ([key, { model }]) =>
        key !== slotKey(source) && model?.name === id.name && model.version === id.version,
    );
    if (other) {
      throw new UserError(
        `${displayPath(other[1].model!.served.path)} and ${displayPath(source.path)} are both version ${id.version} of ` +
          `"${id.name}"; name one with --model NAME=FILE or NAME@VERSION=FILE`,
      );
    }
    const { inference, limits } = this.#options;
    const model = await LoadedModel.load(id, served, inference(id.name, id.version), limits).catch(
      (error: unknown) => {
        if (!(error instanceof UserError)) throw error;
        throw new UserError(`${displayPath(source.path)}: ${error.message}`);
      },
    );
    this.#slots.set(slotKey(source), { stamp, model });
  }

  /** Makes what is loaded visible, and retires what it replaces. */
  #publish(sources: readonly ModelSource[]): void {
    const models = new Map<string, LoadedModel[]>();
    for (const source of sources) {
      const model = this.#slots.get(slotKey(source))?.model;
      if (model) models.set(model.name, [...(models.get(model.name) ?? []), model]);
    }
    for (const versions of models.values()) versions.sort((a, b) => a.version - b.version);
    const before = new Set(this.all());
    this.#models = models;
    const now = new Set(this.all());
    this.#report(before, now);
    for (const model of before) {
      if (now.has(model)) continue;
      const retiring = model.retire().finally(() => this.#retiring.delete(retiring));
      this.#retiring.add(retiring);
    }
  }

  #report(before: ReadonlySet<LoadedModel>, now: ReadonlySet<LoadedModel>): void {
    const key = ({ name, version }: LoadedModel): string => `${name}@${version}`;
    const keysBefore = new Set([...before].map(key));
    const keysNow = new Set([...now].map(key));
    for (const model of now) {
      if (before.has(model)) continue;
      const type = keysBefore.has(key(model)) ? 'replaced' : 'loaded';
      this.#options.onChange?.({ type, name: model.name, version: model.version });
    }
    for (const model of before) {
      if (keysNow.has(key(model))) continue;
      this.#options.onChange?.({ type: 'removed', name: model.name, version: model.version });
    }
  }
}

/** One file may be served under several names. */
function slotKey({ name = '', version, path }: ModelSource): string {
  return `${name}@${version}=${path}`;
}

/** The name inside a file, kept a plain part of an address whatever it holds. */
function plainName(name: string): string {
  return (
    name
      .replace(/[^\w.-]/g, '_')
      .replace(/^[.-]/, '_')
      .slice(0, 100) || 'model'
  );
}
