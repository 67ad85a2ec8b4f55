import { UserError } from '../core/errors.ts';
import { RunDirectory } from '../core/runs/run-directory.ts';
import type { CheckpointChoice } from './options.ts';

export interface RunQuery {
  /** The zoo's name of the model; may be left out where `run` is given. */
  model?: string | undefined;
  /** A run's directory; left out: the newest run that fits. */
  run?: string | undefined;
  /** Only a run on this dataset. */
  dataset?: string | undefined;
  /** The checkpoint the run must have; default `best`. */
  checkpoint?: CheckpointChoice | undefined;
  /** Where runs are looked for; default `runs`. */
  root?: string | undefined;
}

/**
 * Finds the run to export: the one named, or else the newest under `runs/` that trained the model.
 * @throws UserError if there is none, or the one named trained another model or on another dataset
 */
export async function findRun(query: RunQuery): Promise<RunDirectory> {
  const { model, dataset, checkpoint = 'best', root = 'runs' } = query;
  if (query.run !== undefined) {
    const run = RunDirectory.open(query.run);
    const config = await run.readConfig();
    if (model !== undefined && config.model !== model) {
      throw new UserError(`${run.path} trained ${config.model}, not ${model}; mend --model or --run`);
    }
    if (dataset !== undefined && config.dataset !== dataset) {
      throw new UserError(
        `${run.path} trained on ${config.dataset}, not ${dataset}; mend --dataset or --run`,
      );
    }
    return run;
  }
  const run = await RunDirectory.latest(model, root, { checkpoint, dataset });
  if (run) return run;
  const of = model === undefined ? '' : ` of ${model}`;
  const on = dataset === undefined ? '' : ` on ${dataset}`;
  const flags = [
    ...(model === undefined ? [] : [`--model ${model}`]),
    ...(dataset === undefined ? [] : [`--dataset ${dataset}`]),
  ];
  throw new UserError(
    `no run under ${root}/ has a ${checkpoint} checkpoint${of}${on}; train one with ` +
      `${['npm run train', ...(flags.length > 0 ? ['--', ...flags] : [])].join(' ')}, or give --run DIR`,
  );
}
