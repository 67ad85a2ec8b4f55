import { errorMessage } from '../../core/errors.ts';
import type { RunDirectory } from '../../core/runs/run-directory.ts';
import type { EpochLog } from '../trainer.ts';
import { parseEpochs } from './parse-epochs.ts';
import { EventFile } from './tensorboard.ts';
import { writePlots } from './write-plots.ts';

/**
 * What is written of a run after each epoch, beside its log: the plots and, if asked for, TensorBoard's events.
 * A failure is said and does not end the training, which has its log and checkpoints.
 */
export function epochReporter(
  run: RunDirectory,
  options: { tensorboard: boolean; warn?: (line: string) => void },
): (entry: EpochLog) => Promise<void> {
  const { tensorboard, warn = (line: string) => process.stderr.write(`${line}\n`) } = options;
  const events = tensorboard ? new EventFile(run.path) : undefined;
  return async (entry) => {
    await writePlots(run).catch((error) => warn(`the plots were not written: ${errorMessage(error)}`));
    if (!events) return;
    try {
      const logged = parseEpochs(await run.readLog());
      await events.add(
        entry,
        logged.filter(({ epoch }) => epoch < entry.epoch),
      );
    } catch (error) {
      warn(`the TensorBoard events were not written: ${errorMessage(error)}`);
    }
  };
}
