import { appendFile, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { EpochLog } from '../loop.ts';
import { scalarsEvent, sessionStartEvent, versionEvent } from './event.ts';
import { encodeRecord } from './tf-record.ts';

const PREFIX = 'events.out.tfevents.';

/**
 * A run's scalars in a file that TensorBoard reads. A process makes a file of its own in the run directory; a
 * resumed run's file says from which epoch on it replaces the ones before.
 */
export class EventFile {
  readonly #directory: string;
  readonly #now: () => number;
  #path: string | undefined;

  /** @param now the time in seconds since 1970; given in tests */
  constructor(directory: string, now: () => number = () => Date.now() / 1000) {
    this.#directory = directory;
    this.#now = now;
  }

  /**
   * Adds an epoch.
   * @param earlier the epochs logged before it; written first where the run has no event file yet
   */
  async add(entry: EpochLog, earlier: readonly EpochLog[]): Promise<void> {
    const events: Uint8Array[] = [];
    const now = this.#now();
    let path = this.#path;
    if (path === undefined) {
      const names = await readdir(this.#directory);
      const missing = names.some((name) => name.startsWith(PREFIX)) ? [] : earlier;
      // TensorBoard reads the files by name, so the time leads, ten digits until the year 2286.
      path = join(this.#directory, `${PREFIX}${Math.floor(now)}.${hostname()}.${process.pid}`);
      events.push(versionEvent(now), sessionStartEvent(now, (missing[0] ?? entry).epoch + 1));
      for (const epoch of missing) events.push(epochEvent(now, epoch));
    }
    events.push(epochEvent(now, entry));
    await appendFile(path, Buffer.concat(events.map(encodeRecord)));
    // Only now, so that a failed first write is begun anew.
    this.#path = path;
  }
}

/** Epochs count from 1, as on the console and in the plots. */
function epochEvent(seconds: number, entry: EpochLog): Uint8Array {
  return scalarsEvent(seconds, entry.epoch + 1, {
    'loss/train': entry.trainLoss,
    'loss/test': entry.testLoss,
    'top1/train': entry.trainTop1,
    'top1/test': entry.testTop1,
    'top5/test': entry.testTop5,
    learning_rate: entry.learningRate,
    images_per_second: entry.imagesPerSecond,
  });
}
