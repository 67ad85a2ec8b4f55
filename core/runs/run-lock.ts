import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { link, readFile, readlink, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { processIsAlive, temporaryName, withPath } from '../fs/atomic-write.ts';
import { isOtherThanFile, readRegularFile } from '../fs/regular-file.ts';

/** Who writes a run. */
interface Owner {
  pid: number;
  host: string;
  /** What tells the process from a later one of the same number, and its machine from another of the same name. */
  started: string;
  machine: string;
  /** Of its own for each lock. */
  token: string;
}

/** What a run's lock tells: some process writes it; one did and was killed; nobody does. */
export type LockState = 'held' | 'left' | 'none';

/** Whether a run is being written, by whom ever; nothing is changed. */
export async function lockState(folder: string): Promise<LockState> {
  const path = join(folder, NAME);
  const text = await readText(path).catch(() => undefined);
  if (text === undefined) return 'none';
  const owner = parse(text);
  const me = await thisProcess();
  const near = owner?.host === me.host && owner.machine === me.machine;
  const held = near ? await isRunning(owner) : Date.now() - (await stat(path)).mtimeMs < SILENCE_MS;
  return held ? 'held' : 'left';
}

async function isRunning({ pid, started }: Owner): Promise<boolean> {
  return processIsAlive(pid) && (await startOf(pid, started)) === started;
}

const NAME = 'run.lock';
const HEARTBEAT_MS = 10_000;
/** An owner whose process cannot be seen from here is taken for gone when it was not heard of for so long. */
const SILENCE_MS = 120_000;

/**
 * The right to write a run: a file in its directory that names the process. A dead process's lock is taken over;
 * one of another machine, or of another container, when it is not renewed any more.
 */
export class RunLock {
  readonly #path: string;
  readonly #token: string;
  readonly #timer: NodeJS.Timeout;
  readonly #onExit = () => rmSync(this.#path, { force: true });

  private constructor(path: string, token: string) {
    this.#path = path;
    this.#token = token;
    this.#timer = setInterval(() => {
      const now = new Date();
      utimes(path, now, now).catch(() => undefined);
    }, HEARTBEAT_MS).unref();
    process.once('exit', this.#onExit);
  }

  /** @throws UserError if another process writes the run; Error of the file system */
  static async take(folder: string): Promise<RunLock> {
    const path = join(folder, NAME);
    const owner: Owner = { ...(await thisProcess()), token: randomUUID() };
    // Another may take a lock over at the same time; after as many tries as that takes one of them has it.
    for (let tries = 0; tries < 10; tries++) {
      if (await create(path, JSON.stringify(owner))) return new RunLock(path, owner.token);
      const seen = await readText(path).catch(() => undefined);
      if (seen === undefined) {
        if (await isOtherThanFile(path)) throw new UserError(`${path} is not a file; move it away`);
        continue;
      }
      await refuseIfAlive(folder, path, seen, owner);
      await remove(path, seen);
    }
    throw new UserError(`${folder} is being taken by another process; run again when that has ended`);
  }

  /** @throws UserError if another process has taken the lock over, for this one was not heard of */
  async check(): Promise<void> {
    const text = await readText(this.#path).catch(() => '');
    if (parse(text)?.token === this.#token) return;
    process.removeListener('exit', this.#onExit);
    throw new UserError(
      `another process goes on with this run (${this.#path} is not this process's any more); this one stops and writes nothing more`,
    );
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    process.removeListener('exit', this.#onExit);
    const text = await readText(this.#path).catch(() => '');
    if (parse(text)?.token === this.#token) await rm(this.#path, { force: true });
  }
}

/** A pipe in the lock's place would hold up whoever reads it. */
async function readText(path: string): Promise<string> {
  return (await readRegularFile(path)).toString('utf8');
}

/** Makes the file with all of its text, or not at all where there is one. */
async function create(path: string, text: string): Promise<boolean> {
  const temporary = temporaryName(path);
  try {
    await writeFile(temporary, text).catch((error: unknown) => {
      throw withPath(error, path);
    });
    await link(temporary, path);
    return true;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall !== 'link') throw error;
    if (code === 'EEXIST') return false;
    // A file system without hard links.
    return await writeFile(path, text, { flag: 'wx' }).then(
      () => true,
      (failed: NodeJS.ErrnoException) => {
        if (failed.code === 'EEXIST') return false;
        throw failed;
      },
    );
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes a dead process's lock, unless it has become another's meanwhile. */
async function remove(path: string, seen: string): Promise<void> {
  const aside = temporaryName(path);
  try {
    await rename(path, aside);
  } catch {
    // Another process was faster.
    return;
  }
  const taken = await readText(aside).catch(() => '');
  if (taken !== seen) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function refuseIfAlive(folder: string, path: string, text: string, me: Owner): Promise<void> {
  const owner = parse(text);
  const silence = await silenceOf(path);
  if (!owner) {
    // Half written on a file system without hard links, or damaged.
    if (silence > SILENCE_MS) return;
    throw new UserError(`${path} is no lock of ours; remove it if no process trains in ${folder}`);
  }
  const who = `process ${owner.pid}${owner.host === me.host ? '' : ` on ${owner.host}`}`;
  if (owner.host === me.host && owner.machine === me.machine) {
    if (!(await isRunning(owner))) return;
    throw new UserError(`${folder} is being trained by ${who}; wait until it ends, or stop it`);
  }
  if (silence > SILENCE_MS) return;
  const seconds = Math.max(0, Math.round(silence / 1000));
  throw new UserError(
    `${folder} is being trained by ${who}, heard of ${seconds} s ago; wait until it ends, or if it is gone run again in ${Math.ceil((SILENCE_MS - silence) / 1000)} s`,
  );
}

/** How long ago a file was renewed, in ms by the clock of its file system. */
async function silenceOf(path: string): Promise<number> {
  const probe = temporaryName(path);
  try {
    await writeFile(probe, '');
    const [now, then] = [await stat(probe), await stat(path)];
    return now.mtimeMs - then.mtimeMs;
  } catch {
    return 0;
  } finally {
    await rm(probe, { force: true });
  }
}

async function thisProcess(): Promise<Omit<Owner, 'token'>> {
  const { pid } = process;
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  // Containers count their processes each from 1.
  const processes = await readlink('/proc/self/ns/pid').catch(() => '');
  return { pid, host: hostname(), started: await startOf(pid, ''), machine: `${boot.trim()} ${processes}` };
}

/**
 * When a process began, in the kernel's ticks since the machine did; a number may be given again.
 * @param unknown what to answer where the system does not tell
 */
async function startOf(pid: number, unknown: string): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the program's name in brackets, which may hold anything; start time is the 22nd.
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? unknown;
}

function parse(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null;
    const { pid, host, started, machine, token } = owner ?? {};
    const texts = [host, started, machine, token].every((value) => typeof value === 'string');
    return texts && Number.isSafeInteger(pid) && pid! > 0 ? (owner as Owner) : undefined;
  } catch {
    return undefined;
  }
}
