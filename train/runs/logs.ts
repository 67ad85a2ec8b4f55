import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import type { RunDirectory } from '../../core/runs/run-directory.ts';
import type { EpochLog, LoopObserver, StepReport } from '../loop.ts';
import { parseEpochs } from './parse-epochs.ts';

/**
 * What `--log` writes beside log.jsonl, which has the epochs in any case: `csv` the epochs as a table, `jsonl` a line a
 * step, `mlflow` both to a tracking server.
 */
export const LOGS = ['csv', 'jsonl', 'mlflow'] as const;
export type LogName = (typeof LOGS)[number];

/** @throws UserError if one is none */
export function readLogs(given: readonly string[]): LogName[] {
  const names = given.flatMap((text) => text.split(','));
  const unknown = names.find((name) => !(LOGS as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UserError(`--log is ${LOGS.join(', ')}, not "${unknown}"`);
  return names as LogName[];
}

const COLUMNS = [
  ...['epoch', 'learningRate', 'trainLoss', 'trainTop1', 'testLoss', 'testTop1', 'testTop5'],
  ...['imagesPerSecond', 'trainSeconds', 'testSeconds'],
] as const satisfies readonly (keyof EpochLog)[];

/** `log.csv`: all epochs of the run, a row each, named as in log.jsonl; empty where nothing was evaluated. */
export function csvLog(run: RunDirectory): LoopObserver {
  return {
    onEpochEnd: async () => {
      const epochs = parseEpochs(await run.readLog());
      const rows = epochs.map((epoch) =>
        COLUMNS.map((name) => (Number.isFinite(epoch[name]) ? String(epoch[name]) : '')).join(','),
      );
      await writeFileAtomic(join(run.path, 'log.csv'), `${[COLUMNS.join(','), ...rows].join('\n')}\n`);
    },
  };
}

/**
 * `steps.jsonl`: loss and learning rate of each step, a line each. Steps that are done again after an interruption stand
 * in it once: those from where the run goes on are taken off first.
 */
export function stepLog(run: RunDirectory, stepsPerEpoch: number): LoopObserver {
  const path = join(run.path, 'steps.jsonl');
  let lines: string[] = [];
  let begun = false;
  const write = async (): Promise<void> => {
    if (lines.length === 0) return;
    if (!begun) await dropFrom(path, (JSON.parse(lines[0]!) as { step: number }).step);
    begun = true;
    await appendFile(path, lines.join(''));
    lines = [];
  };
  return {
    onStep: async (report) => {
      const step = stepOf(report, stepsPerEpoch);
      const { loss, learningRate, progress } = report;
      lines.push(`${JSON.stringify({ step, epoch: progress.epoch, loss, learningRate })}\n`);
      if (lines.length >= STEPS_A_WRITE) await write();
    },
    onPause: write,
    onEpochEnd: write,
  };
}

/** Steps that are kept in memory until they are written. */
const STEPS_A_WRITE = 100;

/** Steps since the beginning of the run, this one included. */
export function stepOf({ progress }: StepReport, stepsPerEpoch: number): number {
  return progress.epoch * stepsPerEpoch + progress.batch;
}

async function dropFrom(path: string, first: number): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const kept = text.split('\n').filter((line) => {
    try {
      return (JSON.parse(line) as { step: number }).step < first;
    } catch {
      return false; // The end of the file, or a line that was half written.
    }
  });
  if (text !== '') await writeFileAtomic(path, kept.map((line) => `${line}\n`).join(''));
}
