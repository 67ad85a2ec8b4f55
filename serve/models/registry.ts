import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, sep } from 'node:path';
import { cleanText } from '../../core/cli/printable.ts';
import { errorMessage, oneLine, UnavailableError, UserError } from '../../core/errors.ts';
import { FileStamps } from '../../core/fs/file-stamps.ts';
import type { Limits } from '../http/limits.ts';
import { displayPath, loadServedModel } from '../model-file.ts';
import { type InferenceOptions, LoadedModel } from './loaded-model.ts';
import { type ModelReference, noSuchModel, parseReference, safeName } from './reference.ts';
import type { ModelSource } from './scan-folder.ts';

/** What is known of one source. */
interface Slot {
  /** The files that were read or looked for when it was last loaded, or when loading it failed. */
  files: FileStamps;
  /** What runs: it stays while a newer file of its place cannot be loaded. */
  model: LoadedModel | undefined;
  failure: Failure | undefined;
}

interface Failure {
  /** For the log and the terminal: it may hold paths. */
  reason: string;
  /** For clients. */
  shown: string;
  /** How often in a row the same files were tried. */
  attempts: number;
  /** When they are tried again, in milliseconds since 1970. */
  retryAt: number;
}

/** One version of a model as `/v2/repository/index` has it. */
export interface ModelStatus {
  name: string;
  version: number;
  /** Whether it is loaded. */
  loaded: boolean;
  /** Why its file cannot be used, without paths; of a loaded one, why a newer file cannot. Empty: nothing. */
  reason: string;
}

export interface RegistryOptions {
  /** Which files are to be served now; asked again at every reload. */
  sources: () => Promise<ModelSource[]>;
  inference: (name: string, version: number) => InferenceOptions;
  limits: Limits;
  /** Only so many of the newest versions of each model that is not required, as far as they can be loaded; all if absent. */
  versions?: number | undefined;
  /** Seconds until what cannot be loaded is tried again though its files are the same; doubled each time (default 5). */
  retrySeconds?: number;
  /** Told of each change, e.g. for the log. */
  onChange?: (event: RegistryEvent) => void;
}

export type RegistryEvent =
  | { type: 'loaded' | 'replaced' | 'removed'; name: string; version: number }
  | { type: 'failed'; name: string; version: number; path: string; reason: string };

const RETRY_SECONDS = 5;
const MAX_RETRY_SECONDS = 300;
/** How many reasons an error lists. */
const MAX_LISTED = 5;

/** The models being served, by name and version. Files that change are loaded beside what runs, then swapped. */
export class ModelRegistry {
  readonly #options: RegistryOptions;
  readonly #slots = new Map<string, Slot>();
  /** By name, versions ascending. Replaced as a whole, so that a request never sees half a reload. */
  #models = new Map<string, LoadedModel[]>();
  readonly #retiring = new Set<Promise<void>>();
  #status: ModelStatus[] = [];
  #seen = new Map<string, string>();
  #working: Promise<unknown> = Promise.resolve();
  #state: 'loading' | 'open' | 'closed' = 'loading';

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /**
   * Loads everything for the first time. What cannot be used is told to `onChange` and kept in {@link status},
   * while the others are served.
   * @param signal gives up before the next model
   * @throws UserError if a required model cannot be used, or none at all; the signal's reason
   */
  async open(signal?: AbortSignal): Promise<void> {
    const sources = await this.#options.sources();
    await this.#update(sources, async (source) => {
      signal?.throwIfAborted();
      await this.#load(source);
    });
    signal?.throwIfAborted();
    this.#publish(sources);
    if (this.#models.size === 0) throw new UserError(this.#whyNothing());
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

  /** Every version of every model that is wanted, loaded or not; those that are not with the reason. */
  status(): readonly ModelStatus[] {
    return this.#status;
  }

  /** What cannot be used, one entry for each version that is not there because of it. */
  missing(): ModelStatus[] {
    const missing = new Map(this.#status.map((status) => [`${status.name}@${status.version}`, status]));
    for (const { name, version } of this.all()) missing.delete(`${name}@${version}`);
    return [...missing.values()];
  }

  /** The status of a model that cannot be used and stands in for no other; undefined if there is none such. */
  failed({ name, version }: ModelReference): ModelStatus | undefined {
    const isMeant = (status: ModelStatus): boolean =>
      status.name === name && (version === undefined || status.version === version);
    const meant = this.#status.filter(isMeant);
    return meant.some(({ loaded }) => loaded) ? undefined : meant.at(-1);
  }

  /** The version numbers of a model, ascending. */
  versions(name: string): number[] {
    return (this.#models.get(name) ?? []).map(({ version }) => version);
  }

  /**
   * The model meant by a reference; without one the default, which is the first.
   * @throws Refusal 404 if there is none, 503 while models are being loaded
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
    const failed = this.failed(wanted);
    if (failed) throw new UnavailableError(`"${failed.name}" cannot be used: ${failed.reason}`);
    throw noSuchModel(wanted.version ? `${wanted.name}@${wanted.version}` : wanted.name);
  }

  /**
   * Brings what is served up to date with the files, all of them that a model was made of. What cannot be
   * loaded leaves the old version running, and is tried again in ever longer intervals; files must look the same
   * in two calls before they are read, as one may be half copied in the first.
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
    const seen = new Map<string, string>();
    await this.#update(sources, async (source) => {
      const key = slotKey(source);
      const slot = this.#slots.get(key);
      const files = slot?.files ?? (await stampsOf(source.path));
      const now = await files.now();
      seen.set(key, now);
      const isChanged = !slot || now !== files.asRead;
      const isDue = slot?.failure !== undefined && slot.failure.retryAt <= Date.now();
      if ((!isChanged && !isDue) || now !== (this.#seen.get(key) ?? (isChanged ? undefined : now))) return;
      // Gone for now: it may be on its way from one name to another.
      if (slot?.model && !(await stat(source.path).catch(() => undefined))) return;
      await this.#load(source, isChanged);
    });
    this.#seen = seen;
    this.#publish(sources);
  }

  /**
   * Visits the sources that are wanted, of each model the newest first, and drops all others: of a model with
   * enough versions loaded the older ones, and what is there no more.
   */
  async #update(
    sources: readonly ModelSource[],
    visit: (source: ModelSource) => Promise<void>,
  ): Promise<void> {
    const { versions = Number.POSITIVE_INFINITY } = this.#options;
    const all = new Set(sources.map(slotKey));
    for (const key of this.#slots.keys()) if (!all.has(key)) this.#slots.delete(key);
    const required = sources.filter(isRequired);
    const others = sources.filter((source) => !isRequired(source));
    for (const source of required) await visit(source);
    const loaded = new Map<string, number>();
    for (const source of versions === Number.POSITIVE_INFINITY ? others : others.toReversed()) {
      const name = source.name ?? '';
      const count = loaded.get(name) ?? 0;
      if (count < versions) await visit(source);
      else this.#slots.delete(slotKey(source));
      if (this.#slots.get(slotKey(source))?.model) loaded.set(name, count + 1);
    }
  }

  /**
   * Loads a source; where that fails, what ran before stays.
   * @param isChanged whether its files are others than those that failed before
   * @throws what is wrong with a source that is required, before there is anything in its place
   */
  async #load(source: ModelSource, isChanged = true): Promise<void> {
    const key = slotKey(source);
    const before = this.#slots.get(key);
    const files = new FileStamps();
    try {
      this.#slots.set(key, { files, model: await this.#start(source, files), failure: undefined });
    } catch (error) {
      if (isRequired(source) && this.#state === 'loading') throw error;
      const attempts = 1 + (isChanged ? 0 : (before?.failure?.attempts ?? 0));
      const { retrySeconds = RETRY_SECONDS } = this.#options;
      const pause = Math.min(retrySeconds * 2 ** (attempts - 1), MAX_RETRY_SECONDS);
      const reason = oneLine(errorMessage(error));
      const failure = {
        reason,
        shown: await withoutPaths(reason, source.path),
        attempts,
        retryAt: Date.now() + 1000 * pause,
      };
      this.#slots.set(key, { files, model: before?.model, failure });
      const { path, version } = source;
      this.#options.onChange?.({
        type: 'failed',
        name: nameOf(source),
        version,
        path,
        reason,
      });
    }
  }

  async #start(source: ModelSource, files: FileStamps): Promise<LoadedModel> {
    const served = await loadServedModel(source.path, source.preprocessing, files);
    const id = { name: source.name ?? safeName(served.metadata.model), version: source.version };
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
    return LoadedModel.load(id, served, inference(id.name, id.version), limits).catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      throw new UserError(`${displayPath(source.path)}: ${error.message}`);
    });
  }

  #whyNothing(): string {
    const failures = [...this.#slots.values()].flatMap(({ failure }) => failure?.reason ?? []);
    if (failures.length <= 1) return failures[0] ?? 'there is no model to serve';
    const more = failures.length > MAX_LISTED ? `; and ${failures.length - MAX_LISTED} more` : '';
    return `none of ${failures.length} models can be used: ${failures.slice(0, MAX_LISTED).join('; ')}${more}`;
  }

  /** Makes what is loaded visible, and retires what it replaces. */
  #publish(sources: readonly ModelSource[]): void {
    const models = new Map<string, LoadedModel[]>();
    this.#status = sources.flatMap((source) => {
      const slot = this.#slots.get(slotKey(source));
      if (!slot) return [];
      const { model, failure } = slot;
      if (model) models.set(model.name, [...(models.get(model.name) ?? []), model]);
      const reason = failure?.shown ?? '';
      return [
        { name: model?.name ?? nameOf(source), version: source.version, loaded: Boolean(model), reason },
      ];
    });
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

function isRequired({ required = false }: ModelSource): boolean {
  return required;
}

/** What a source that could not be read is called. */
function nameOf({ name, path }: ModelSource): string {
  return name ?? safeName(basename(path).replace(/\.onnx$/i, ''));
}

async function stampsOf(path: string): Promise<FileStamps> {
  const files = new FileStamps();
  await files.add(path);
  return files;
}

/** A reason as a client may read it: it names files, but not where they are. */
async function withoutPaths(reason: string, path: string): Promise<string> {
  const real = await realpath(path).catch(() => path);
  const folders = [path, real].flatMap((file) => [dirname(file), dirname(dirname(file))]);
  const written = folders.flatMap((folder) => [folder, displayPath(folder)]);
  return written
    .filter((folder) => dirname(folder) !== folder && folder !== '.')
    .sort((a, b) => b.length - a.length)
    .reduce((text, folder) => text.replaceAll(`${folder}${sep}`, ''), cleanText(reason));
}
