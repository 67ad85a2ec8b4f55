import type { RequestHandler } from 'express';
import { readRun } from '../../train/runs/read-run.ts';
import { summarize } from '../../train/runs/summary.ts';
import type { RunMessage, RunsEvent } from '../page/runs/run-message.ts';
import { listRunFolders } from './run-folders.ts';

/** Looking at the times of a few files is cheap, and works on every file system, unlike watching them. */
const POLL_MS = 1000;
/** Often enough that nothing between here and the page takes the connection for dead. */
const COMMENT_EVERY = 15;

/**
 * `GET /runs/stream`: the training runs below a folder as server-sent events: all of them at first, then
 * those that change, while a page listens.
 * @param root looked at anew every second; it need not exist yet
 */
export function runStream(root: string): RequestHandler {
  return async (request, response) => {
    response.set({
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    let open = true;
    let wake = (): void => undefined;
    request.on('close', () => {
      open = false;
      wake();
    });
    const sent = new Map<string, string>();
    for (let round = 0; open; round++) {
      const event = await changes(root, sent);
      if (!open) break;
      if (round === 0 || event) response.write(`event: runs\ndata: ${JSON.stringify(event ?? EMPTY)}\n\n`);
      else if (round % COMMENT_EVERY === 0) response.write(':\n\n');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    response.end();
  };
}

const EMPTY: RunsEvent = { changed: [], all: [] };

/**
 * What is different from what was sent.
 * @param sent the marks of the runs sent so far; brought up to date
 * @returns undefined if nothing is
 */
async function changes(root: string, sent: Map<string, string>): Promise<RunsEvent | undefined> {
  const folders = await listRunFolders(root);
  const changed: RunMessage[] = [];
  const all: string[] = [];
  for (const { path, mark } of folders) {
    if (sent.get(path) === mark) {
      all.push(path);
      continue;
    }
    const run = await readMessage(path);
    // A config half written, or no run at all: looked at again when it changes.
    if (!run) continue;
    all.push(path);
    changed.push(run);
    sent.set(path, mark);
  }
  const gone = [...sent.keys()].filter((path) => !all.includes(path));
  for (const path of gone) sent.delete(path);
  return changed.length + gone.length === 0 ? undefined : { changed, all };
}

async function readMessage(path: string): Promise<RunMessage | undefined> {
  try {
    const run = await readRun(path);
    return { summary: summarize(run), epochs: run.epochs, config: run.config, changed: run.changed };
  } catch {
    return undefined;
  }
}
