import { existsSync } from 'node:fs';
import { appendFile, link, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorMessage, UserError } from '../errors.ts';
import { removeLeftBehind, withPath, writeFileAtomic } from '../fs/atomic-write.ts';
import { makeFolders } from '../fs/make-folder.ts';
import { isOtherThanFile, readRegularFile } from '../fs/regular-file.ts';
import { listRunFolders } from './run-folders.ts';
import { RunLock } from './run-lock.ts';

/**
 * A training run on disk: `config.json` (what was asked for), `log.jsonl` (a line an epoch), and checkpoints
 * `last.safetensors` (and the one before it, `previous.safetensors`) and `best.safetensors`.
 */
export class RunDirectory {
  #lock: RunLock | undefined;

  constructor(readonly path: string) {}

  /**
   * Creates `runs/<time>-<name>`, or the very directory asked for. A run that was killed before its first
   * checkpoint is begun anew.
   * @throws UserError if it holds a run already or cannot be made
   */
  static async create(name: string, at?: string): Promise<RunDirectory> {
    const stamp = new Date().toISOString().replace(/[:T]/g, '-').slice(0, 19);
    const path = at ?? join('runs', `${stamp}-${name}`);
    const existing = new RunDirectory(path);
    if (existsSync(existing.configPath) && !(await existing.neverBegan())) {
      throw new UserError(
        `${path} already holds a run; continue it with --resume ${path}, or give another --run`,
      );
    }
    try {
      await makeFolders(path);
    } catch (error) {
      throw new UserError(
        `cannot make the run directory ${path}: ${errorMessage(error)}; give another --run`,
      );
    }
    return existing;
  }

  /**
   * Opens an existing run.
   * @throws UserError if the directory holds none
   */
  static open(path: string): RunDirectory {
    if (existsSync(join(path, 'config.json'))) return new RunDirectory(path);
    const near = [dirname(path), join('runs', path)].find((other) => existsSync(join(other, 'config.json')));
    throw new UserError(
      `${path} holds no training run (no config.json in it); ${near === undefined ? 'npm run runs lists the runs' : `give ${near}`}`,
    );
  }

  /**
   * The newest run under `root`, or a folder of it as ablations have them, that trained `model` (on `dataset`; each if
   * given) and has the checkpoint; undefined if there is none.
   * @throws UserError if a run's config.json is damaged
   */
  static async latest(
    model: string | undefined,
    root = 'runs',
    { checkpoint = 'best', dataset }: { checkpoint?: 'last' | 'best'; dataset?: string | undefined } = {},
  ): Promise<RunDirectory | undefined> {
    const found: { run: RunDirectory; time: number }[] = [];
    for (const { path } of await listRunFolders(root)) {
      const run = new RunDirectory(path);
      if (!existsSync(run.checkpointPath(checkpoint))) continue;
      const config = await run.readConfig();
      if (
        (model !== undefined && config.model !== model) ||
        (dataset !== undefined && config.dataset !== dataset)
      )
        continue;
      found.push({ run, time: (await stat(run.checkpointPath(checkpoint))).mtimeMs });
    }
    return found.sort((a, b) => b.time - a.time)[0]?.run;
  }

  /**
   * The run that a file is a checkpoint of, if that has a net of its own, which the tensors alone do not tell: what is
   * before and behind it, as a Resize of the images, is in the run's model.onnx.
   */
  static withOwnNet(checkpoint: string): RunDirectory | undefined {
    const run = new RunDirectory(dirname(checkpoint));
    const isOfRun = /^(last|best|previous)\.safetensors$/.test(basename(checkpoint));
    return isOfRun && existsSync(run.configPath) && existsSync(run.modelPath) ? run : undefined;
  }

  /**
   * For what takes weights alone, of which the net is then told.
   * @param instead what to give, made of the run's path
   * @throws UserError if the file is a checkpoint of a run {@link withOwnNet}
   */
  static refuseOwnNet(checkpoint: string, instead: (run: string) => string): void {
    const run = RunDirectory.withOwnNet(checkpoint);
    if (!run) return;
    throw new UserError(
      `${checkpoint} is of a run whose net is its own (${run.modelPath}), which weights alone do not tell; ${instead(run.path)}`,
    );
  }

  get configPath(): string {
    return join(this.path, 'config.json');
  }

  /** The model that the run went on from, ready to be trained; of a run of the zoo there is none. */
  get modelPath(): string {
    return join(this.path, 'model.onnx');
  }

  get logPath(): string {
    return join(this.path, 'log.jsonl');
  }

  /** `previous` is the `last` before the present one. */
  checkpointPath(which: 'last' | 'best' | 'previous'): string {
    return join(this.path, `${which}.safetensors`);
  }

  /** Whether there is a training config and nothing that was trained by it. */
  async neverBegan(): Promise<boolean> {
    const trained = (['last', 'best', 'previous'] as const).map((which) => this.checkpointPath(which));
    if ([...trained, this.logPath].some((path) => existsSync(path))) return false;
    const { model, dataset, epochs } = await this.readConfig().catch((): Record<string, unknown> => ({}));
    return typeof model === 'string' && typeof dataset === 'string' && typeof epochs === 'number';
  }

  /**
   * Lets no other process write the run until {@link unlock}; nothing if this object has the lock. What killed
   * writes left is removed.
   * @throws UserError if another process writes it
   */
  async lock(): Promise<void> {
    if (this.#lock) return;
    this.#lock = await RunLock.take(this.path);
    await removeLeftBehind(this.path, { mine: true });
    await removeLeftBehind(join(this.path, 'plots'), { mine: true });
  }

  /** @throws UserError if another process has taken the lock from this one */
  async checkLock(): Promise<void> {
    await this.#lock?.check();
  }

  async unlock(): Promise<void> {
    await this.#lock?.release();
    this.#lock = undefined;
  }

  /** Keeps the `last` checkpoint as `previous`, for the moment when a new one takes its place. */
  async keepPrevious(): Promise<void> {
    const [last, previous] = [this.checkpointPath('last'), this.checkpointPath('previous')];
    if (!existsSync(last)) return;
    await rm(previous, { force: true });
    // A second name, so that there is a `last` at every moment; else, without hard links, a new name.
    await link(last, previous).catch(() => rename(last, previous));
  }

  /** Puts a damaged `last` aside, so that it does not take the place of the one before it. */
  async setDamagedAside(): Promise<void> {
    const last = this.checkpointPath('last');
    if (existsSync(last)) await rename(last, join(this.path, 'damaged.safetensors'));
  }

  writeConfig(config: Record<string, unknown>): Promise<void> {
    return writeFileAtomic(this.configPath, `${JSON.stringify(config, null, 2)}\n`);
  }

  async readConfig(): Promise<Record<string, unknown>> {
    const text = await readText(this.configPath);
    let config: unknown;
    try {
      config = JSON.parse(text);
    } catch {
      throw new UserError(`${this.configPath} is not JSON; the run cannot be read`);
    }
    if (typeof config !== 'object' || config === null || Array.isArray(config)) {
      throw new UserError(`${this.configPath} is not a JSON object; the run cannot be read`);
    }
    return config as Record<string, unknown>;
  }

  /** What somebody noted of the run (`note.txt`); undefined if nobody did. */
  async readNote(): Promise<string | undefined> {
    const path = join(this.path, 'note.txt');
    return existsSync(path) ? (await readText(path)).trim() || undefined : undefined;
  }

  /** Replaces the note; an empty one is removed. */
  async writeNote(note: string): Promise<void> {
    const path = join(this.path, 'note.txt');
    if (note.trim() === '') await rm(path, { force: true });
    else await writeFileAtomic(path, `${note.trim()}\n`);
  }

  /**
   * Removes the run with all that is in its folder.
   * @throws UserError if a process trains it, or other runs lie in it
   */
  async remove(): Promise<void> {
    if ((await listRunFolders(this.path)).length > 0)
      throw new UserError(`${this.path} has other runs in it; delete these first`);
    await this.lock();
    await rm(this.path, { recursive: true });
    await this.unlock();
  }

  /** Appends a line to the log. */
  async log(entry: Record<string, unknown>): Promise<void> {
    // Writing to a pipe waits for somebody to read it.
    if (await isOtherThanFile(this.logPath))
      throw new UserError(`${this.logPath} is not a file; move it away`);
    await appendFile(this.logPath, `${JSON.stringify(entry)}\n`).catch((error: unknown) => {
      throw withPath(error, this.logPath);
    });
  }

  /** The log's entries; a last line cut short by a crash is left out. */
  async readLog(): Promise<Record<string, unknown>[]> {
    if (!existsSync(this.logPath)) return [];
    const lines = (await readText(this.logPath)).split('\n').filter((line) => line !== '');
    return lines.flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch {
        return [];
      }
    });
  }

  /** Drops log entries of epochs from `epoch` on: a resumed run writes them anew. */
  async truncateLog(epoch: number): Promise<void> {
    const kept = (await this.readLog()).filter((entry) => Number(entry.epoch) < epoch);
    await writeFileAtomic(this.logPath, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  }
}

/** @throws UserError if it cannot be read, or is a pipe or a device, at which a reader might wait for ever */
async function readText(path: string): Promise<string> {
  try {
    return (await readRegularFile(path)).toString('utf8');
  } catch (error) {
    throw new UserError(`${path} cannot be read: ${errorMessage(error)}`);
  }
}
