import { existsSync } from 'node:fs';
import { formatDuration } from '../../core/cli/progress.ts';
import type { ImageDataset } from '../../core/data/dataset.ts';
import { UserError } from '../../core/errors.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { consoleObserver } from '../console.ts';
import type { Device } from '../engine/providers/device.ts';
import type { EpochLog } from '../loop.ts';
import type { TrainConfig } from '../recipe/settings.ts';
import { readRun } from '../runs/read-run.ts';
import { createRun, runConfig, startRun, type TrainObserver } from '../trainer.ts';
import type { CellName } from './cells.ts';
import { tableLines } from './markdown.ts';
import { type PlannedRun, type RunState, readState } from './planned-run.ts';
import { type AblationResults, type CellRun, summarizeRuns } from './results.ts';

export interface AblationSetup {
  /** In the order in which they are to be trained; at least one. */
  runs: readonly PlannedRun[];
  dataset: ImageDataset;
  workers: number;
  threads?: number | undefined;
  /** Default the CPU. */
  device?: Device;
  /** Becomes true when it is time to stop; the run under way then saves and {@link runAblation} returns. */
  shouldStop: () => boolean;
  say: (line: string) => void;
  /** Called when a run is about to be trained and nothing can be wrong with its config any more. */
  onTrain?: () => Promise<void>;
  /** What shows a run while it trains; default the console. */
  observe?: (config: TrainConfig) => TrainObserver;
}

type StatedRun = PlannedRun & { state: RunState };

/**
 * Trains the runs that are not finished yet, interrupted ones from their checkpoints, and prints the table after
 * each.
 * @returns the results, or undefined if it was stopped; the same call then goes on
 * @throws UserError if a directory holds a run of another config (before anything is trained), or a run fails
 */
export async function runAblation(setup: AblationSetup): Promise<AblationResults | undefined> {
  const { dataset, say, shouldStop } = setup;
  const runs: StatedRun[] = [];
  for (const run of setup.runs) {
    runs.push({ ...run, state: await readState(run.path, runConfig(run.config, dataset)) });
  }
  for (const line of planLines(runs)) say(line);
  const finished: CellRun[] = runs.flatMap(({ cell, seed, state }) =>
    state.is === 'finished' ? [{ cell, seed, record: state.record }] : [],
  );
  const cells = [...new Set(runs.map(({ cell }) => cell))];
  const left = runs.filter(({ state }) => state.is !== 'finished');
  const cost = new EpochCost();
  for (const [index, run] of left.entries()) {
    if (shouldStop()) return undefined;
    const { cell, seed, path } = run;
    const doneBefore = epochsDone(run.state);
    const others = left.slice(index + 1).map(epochsLeft);
    say(
      `run ${runs.indexOf(run) + 1} of ${runs.length}: ${cell}, seed ${seed}, in ${path}` +
        (run.state.is === 'started' ? `, continued after ${count(doneBefore, 'epoch')}` : ''),
    );
    const complete = await trainRun(run, setup, (secondsAnEpoch, epochs) => {
      if (others.length === 0) return;
      // The run under way is part of it.
      const seconds = cost.seconds([{ cell, epochs }, ...others], secondsAnEpoch);
      say(`all ${others.length + 1} runs left: about ${formatDuration(seconds)}`);
    });
    if (!complete) return undefined;
    const record = await readRun(path);
    cost.add(cell, record.epochs.slice(doneBefore));
    finished.push({ cell, seed, record });
    for (const line of tableLines(summarizeRuns(finished, cells, []))) say(line);
    if (others.length > 0) {
      say(`${count(others.length, 'run')} left, about ${formatDuration(cost.seconds(others))}`);
    }
  }
  const results = summarizeRuns(finished, cells, []);
  if (left.length === 0) for (const line of tableLines(results)) say(line);
  return results;
}

/** What there is to do, in a few lines. */
function planLines(runs: readonly StatedRun[]): string[] {
  const { config } = runs[0]!;
  const unique = <T>(values: readonly T[]) => [...new Set(values)];
  const lines = [
    `${count(runs.length, 'run')} of ${config.model}: ${unique(runs.map(({ cell }) => cell)).join(', ')}; ` +
      `seeds ${unique(runs.map(({ seed }) => seed)).join(', ')}; ` +
      `${count(config.epochs, 'epoch')} of ${config.trainImages} images each`,
  ];
  const of = (is: RunState['is']) => runs.filter(({ state }) => state.is === is);
  lines.push(
    `${of('finished').length} finished, ${of('started').length} interrupted, ${of('new').length} not begun`,
  );
  for (const { cell, seed, state } of of('started')) {
    lines.push(
      `interrupted: ${cell}, seed ${seed}, after ${epochsDone(state)} of ${count(config.epochs, 'epoch')}`,
    );
  }
  return lines;
}

/**
 * Trains a run to its end.
 * @param onEstimate called when its speed is known, with the epochs it has left
 * @returns false if it was stopped
 */
async function trainRun(
  { cell, seed, path, config, state }: StatedRun,
  { dataset, workers, threads, device, shouldStop, say, observe, onTrain }: AblationSetup,
  onEstimate: (secondsAnEpoch: number, epochs: number) => void,
): Promise<boolean> {
  const show = observe?.(config) ?? consoleObserver(config, dataset, say);
  try {
    const { result } = await startRun({
      config,
      model: buildModel(config.model, { numClasses: dataset.labels.length, imageSize: dataset.height }),
      dataset,
      threads,
      ...(device ? { device } : {}),
      workers,
      resume: state.is === 'started',
      shouldStop,
      open: async () => {
        const run = await openRun(path, config, dataset);
        await onTrain?.();
        return { run, observer: withTotal(show, config.epochs, onEstimate) };
      },
    });
    return result.finished;
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${cell}, seed ${seed}: ${error.message}`);
    throw error;
  }
}

/** A directory may have a config and nothing else, if what made it was ended in that moment. */
function openRun(
  path: string,
  config: TrainConfig,
  dataset: ImageDataset,
): Promise<RunDirectory> | RunDirectory {
  const { configPath } = new RunDirectory(path);
  return existsSync(configPath) ? RunDirectory.open(path) : createRun(config, dataset, path);
}

/** Adds what all runs will take to what a run says of itself. */
function withTotal(
  show: TrainObserver,
  epochs: number,
  onEstimate: (secondsAnEpoch: number, epochs: number) => void,
): TrainObserver {
  let seconds: number | undefined;
  return {
    ...show,
    onEstimate(estimate, imagesPerSecond) {
      seconds = estimate;
      show.onEstimate?.(estimate, imagesPerSecond);
    },
    onEpochStart(epoch, batches, startBatch) {
      // Only here is it known where the run stands, and so what an epoch takes.
      if (seconds !== undefined) {
        const left = epochs - epoch - startBatch / batches;
        onEstimate(seconds / left, left);
        seconds = undefined;
      }
      show.onEpochStart?.(epoch, batches, startBatch);
    },
  };
}

function epochsDone(state: RunState): number {
  return state.is === 'started' ? state.epochsDone : 0;
}

function epochsLeft({ cell, config, state }: StatedRun): EpochsLeft {
  return { cell, epochs: config.epochs - epochsDone(state) };
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** What a run still needs. */
export interface EpochsLeft {
  cell: CellName;
  epochs: number;
}

/** Seconds that epochs take here, to tell how long runs will: by cell where one has been trained. */
export class EpochCost {
  readonly #measured = new Map<CellName, { seconds: number; epochs: number }>();

  /** Learns from epochs just trained on this machine. */
  add(cell: CellName, epochs: readonly Pick<EpochLog, 'trainSeconds' | 'testSeconds'>[]): void {
    const sum = this.#measured.get(cell) ?? { seconds: 0, epochs: 0 };
    for (const { trainSeconds, testSeconds } of epochs) sum.seconds += trainSeconds + testSeconds;
    sum.epochs += epochs.length;
    if (sum.epochs > 0) this.#measured.set(cell, sum);
  }

  /**
   * @param guess seconds an epoch for as long as none has been trained
   * @returns NaN if there is nothing to go by
   */
  seconds(left: readonly EpochsLeft[], guess = Number.NaN): number {
    const all = [...this.#measured.values()];
    const epochs = all.reduce((sum, cell) => sum + cell.epochs, 0);
    const mean = epochs > 0 ? all.reduce((sum, cell) => sum + cell.seconds, 0) / epochs : guess;
    return left.reduce((sum, { cell, epochs }) => {
      const own = this.#measured.get(cell);
      return sum + epochs * (own ? own.seconds / own.epochs : mean);
    }, 0);
  }
}
