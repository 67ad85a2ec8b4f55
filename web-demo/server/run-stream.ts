import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RequestHandler, Response } from 'express';
import { readRegularFile } from '../../core/fs/regular-file.ts';
import { listRunFolders } from '../../core/runs/run-folders.ts';
import { readRun } from '../../train/runs/read-run.ts';
import { summarize } from '../../train/runs/summary.ts';
import type { RunMessage, RunsEvent } from '../page/runs/run-message.ts';

/** Looking at the times of a few files is cheap, and works on every file system, unlike watching them. */
const POLL_MS = 1000;
/** Often enough that nothing between here and the page takes the connection for dead. */
const COMMENT_EVERY = 15;
/** A page that takes nothing for so many looks is gone. */
const PATIENCE = 30;
/** Far more pages than anybody has open. */
const MAX_STREAMS = 256;

/**
 * `GET /runs/stream`: the training runs below a folder as server-sent events: all of them at first, then
 * those that change, while a page listens. The folder is looked at once for all pages.
 * @param root looked at anew every second; it need not exist yet
 */
export function runStream(root: string): RequestHandler {
  const feed = new RunFeed(root);
  return async (_request, response) => {
    if (feed.size >= MAX_STREAMS) {
      response.status(503).type('text').send('too many pages follow the training runs');
      return;
    }
    response.set({
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    const page: Page = { response, isBehind: true, waited: 0 };
    response.on('close', () => feed.leave(page));
    await feed.join(page);
  };
}

/**
 * `GET /runs/report?run=PATH`: what `test-model` wrote of a run last; null if it did not.
 * @param root where runs are looked for: no other folder is read
 */
export function runReport(root: string): RequestHandler {
  return async (request, response) => {
    const run = (await listRunFolders(root)).find(({ path }) => path === request.query.run);
    if (!run) {
      response.status(404).json({ error: 'there is no such run' });
      return;
    }
    response.set('Cache-Control', 'no-store').json((await newestReport(run.path)) ?? null);
  };
}

async function newestReport(run: string): Promise<unknown> {
  const folders = (await readdir(run)).filter((name) => name.endsWith('-test'));
  const files = await Promise.all(
    folders.map(async (folder) => {
      const file = join(run, folder, 'report.json');
      return { file, time: (await stat(file).catch(() => undefined))?.mtimeMs ?? 0 };
    }),
  );
  const [newest] = files.filter(({ time }) => time > 0).sort((a, b) => b.time - a.time);
  try {
    if (!newest) return undefined;
    const report = JSON.parse((await readRegularFile(newest.file)).toString()) as { examples?: unknown };
    const { examples } = report;
    if (!Array.isArray(examples)) return report;
    const folder = dirname(newest.file);
    return {
      ...report,
      examples: await Promise.all(examples.map((example) => withPicture(folder, example))),
    };
  } catch {
    // Half written, or no report: as if it were not there yet.
    return undefined;
  }
}

/** As `test-model` calls them: no other file is sent. */
const PICTURE = /^examples\/(?:right|wrong)-\d{1,2}\.png$/;
/** Larger than any that it writes. */
const MAX_PICTURE = 100_000;

/** An example with its picture in it, as a data URL, or without one. */
async function withPicture(folder: string, example: { picture?: unknown }): Promise<object> {
  const { picture, ...rest } = example;
  if (typeof picture !== 'string' || !PICTURE.test(picture)) return rest;
  const bytes = await readRegularFile(join(folder, picture)).catch(() => undefined);
  if (!bytes || bytes.length > MAX_PICTURE) return rest;
  return { ...rest, picture: `data:image/png;base64,${Buffer.from(bytes).toString('base64')}` };
}

interface Page {
  response: Response;
  /** Whether it has not got what the others have, and is sent all runs when it can take them. */
  isBehind: boolean;
  /** Looks since it took what it was sent. */
  waited: number;
}

/** The runs as they last were, and the pages that are told of changes. */
class RunFeed {
  readonly #root: string;
  readonly #runs = new Map<string, { mark: string; message: RunMessage }>();
  readonly #pages = new Set<Page>();
  /** All runs as an event; undefined when it has changed since it was made. */
  #everything: Buffer | undefined;
  #looking: Promise<RunsEvent | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #round = 0;

  constructor(root: string) {
    this.#root = root;
  }

  get size(): number {
    return this.#pages.size;
  }

  /** Resolves when the page was sent all runs. */
  async join(page: Page): Promise<void> {
    this.#pages.add(page);
    // What is known is a second old at most while others listen.
    if (this.#timer === undefined) await this.#look();
    if (page.isBehind) this.#tell(page, undefined);
  }

  leave(page: Page): void {
    this.#pages.delete(page);
    if (this.#pages.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Looks once, tells all pages, and comes back while there are any. */
  async #look(): Promise<void> {
    if (this.#looking) {
      await this.#looking;
      return;
    }
    this.#looking = this.#changes();
    const event = await this.#looking;
    this.#looking = undefined;
    if (event) this.#everything = undefined;
    const text = event && encode(event);
    this.#round++;
    for (const page of this.#pages) this.#tell(page, text);
    if (this.#pages.size > 0) this.#timer = setTimeout(() => void this.#look(), POLL_MS);
  }

  #tell(page: Page, change: Buffer | undefined): void {
    const { response } = page;
    if (response.writableLength > 0) {
      page.isBehind ||= change !== undefined;
      if (++page.waited > PATIENCE) response.destroy();
      return;
    }
    page.waited = 0;
    if (page.isBehind) {
      page.isBehind = false;
      this.#everything ??= encode({
        changed: [...this.#runs.values()].map(({ message }) => message),
        all: [...this.#runs.keys()],
      });
      response.write(this.#everything);
    } else if (change) response.write(change);
    else if (this.#round % COMMENT_EVERY === 0) response.write(':\n\n');
  }

  /** What is different from what is known, which is brought up to date; undefined if nothing is. */
  async #changes(): Promise<RunsEvent | undefined> {
    const changed: RunMessage[] = [];
    const all: string[] = [];
    for (const { path, mark } of await listRunFolders(this.#root)) {
      if (this.#runs.get(path)?.mark !== mark) {
        const message = await readMessage(path);
        // A config half written, or no run at all: looked at again when it changes.
        if (!message) continue;
        changed.push(message);
        this.#runs.set(path, { mark, message });
      }
      all.push(path);
    }
    const here = new Set(all);
    const gone = [...this.#runs.keys()].filter((path) => !here.has(path));
    for (const path of gone) this.#runs.delete(path);
    return changed.length + gone.length === 0 ? undefined : { changed, all };
  }
}

function encode(event: RunsEvent): Buffer {
  return Buffer.from(`event: runs\ndata: ${JSON.stringify(event)}\n\n`);
}

async function readMessage(path: string): Promise<RunMessage | undefined> {
  try {
    const run = await readRun(path);
    return { summary: summarize(run), epochs: run.epochs, config: run.config, changed: run.changed };
  } catch {
    return undefined;
  }
}
