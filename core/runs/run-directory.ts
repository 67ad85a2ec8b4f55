import { existsSync } from 'node:fs';
import { appendFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, UserError } from '../errors.ts';
import { writeFileAtomic } from '../fs/atomic-write.ts';
import { makeFolders } from '../fs/make-folder.ts';
import { isOtherThanFile, readRegularFile } from '../fs/regular-file.ts';

/**
 * A training run on disk: `config.json` (what was asked for), `log.jsonl` (a line an epoch), and checkpoints
 * `last.safetensors` and `best.safetensors`.
 */
export class RunDirectory {
  constructor(readonly path: string) {}

  /**
   * Creates `runs/<time>-<name>`, or the very directory asked for.
   * @throws UserError if it holds a run already or cannot be made
   */
  static async create(name: string, at?: string): Promise<RunDirectory> {
    const stamp = new Date().toISOString().replace(/[:T]/g, '-').slice(0, 19);
    const path = at ?? join('runs', `${stamp}-${name}`);
    if (existsSync(join(path, 'config.json'))) {
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
    return new RunDirectory(path);
  }

  /**
   * Opens an existing run.
   * @throws UserError if the directory holds none
   */
  static open(path: string): RunDirectory {
    if (!existsSync(join(path, 'config.json'))) {
      throw new UserError(`${path} holds no training run (no config.json in it)`);
    }
    return new RunDirectory(path);
  }

  /**
   * The newest run under `root` that trained `model` (on `dataset`, if given) and has the checkpoint;
   * undefined if there is none.
   * @throws UserError if a run's config.json is damaged
   */
  static async latest(
    model: string,
    root = 'runs',
    { checkpoint = 'best', dataset }: { checkpoint?: 'last' | 'best'; dataset?: string | undefined } = {},
  ): Promise<RunDirectory | undefined> {
    if (!existsSync(root)) return undefined;
    const found: { run: RunDirectory; time: number }[] = [];
    for (const name of await readdir(root)) {
      const run = new RunDirectory(join(root, name));
      if (!existsSync(run.configPath) || !existsSync(run.checkpointPath(checkpoint))) continue;
      const config = await run.readConfig();
      if (config.model !== model || (dataset !== undefined && config.dataset !== dataset)) continue;
      found.push({ run, time: (await stat(run.checkpointPath(checkpoint))).mtimeMs });
    }
    return found.sort((a, b) => b.time - a.time)[0]?.run;
  }

  get configPath(): string {
    return join(this.path, 'config.json');
  }

  get logPath(): string {
    return join(this.path, 'log.jsonl');
  }

  checkpointPath(which: 'last' | 'best'): string {
    return join(this.path, `${which}.safetensors`);
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

  /** Appends a line to the log. */
  async log(entry: Record<string, unknown>): Promise<void> {
    // Writing to a pipe waits for somebody to read it.
    if (await isOtherThanFile(this.logPath))
      throw new UserError(`${this.logPath} is not a file; move it away`);
    await appendFile(this.logPath, `${JSON.stringify(entry)}\n`);
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
