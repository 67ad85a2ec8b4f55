import { relative } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { embeddedModelPath, embeddedModels } from '../../core/models/embedded.ts';
import { MODEL_NAMES } from '../../core/models/zoo.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { listRunFolders } from '../../core/runs/run-folders.ts';
import type { CheckpointChoice } from '../options.ts';
import { runSource } from './run-source.ts';
import type { ExportSource } from './source.ts';
import { type WeightsSourceOptions, weightsSource } from './weights-source.ts';

export interface SourceQuery extends WeightsSourceOptions {
  /** A run's directory. */
  run?: string | undefined;
  /** A file of weights. */
  weights?: string | undefined;
  checkpoint: CheckpointChoice;
  /** Where runs are looked for; default `runs`. */
  root?: string | undefined;
}

/**
 * Finds what to export: the weights or the run that were named; else the newest run, of the model if that is named; else
 * the embedded model of that name, or the first that is there in float32.
 * @throws UserError if there is none, it cannot be read, or it is not what else was asked for
 */
export async function chooseSource(query: SourceQuery): Promise<ExportSource> {
  const { run, weights, model, dataset, checkpoint, data, root = 'runs' } = query;
  if (weights !== undefined) {
    if (run !== undefined) throw new UserError('give --run or --weights, not both');
    return weightsSource(weights, query);
  }
  const misplaced = (['key', 'labels'] as const).find((name) => query[name] !== undefined);
  if (misplaced)
    throw new UserError(`--${misplaced} is for weights of other makers: it needs --weights FILE`);
  if (run === undefined) {
    const embedded = await embeddedInstead(query, root);
    if (embedded !== undefined) {
      const source = await weightsSource(shortest(embeddedModelPath(embedded)));
      if (dataset === undefined || source.metadata.dataset === dataset) return source;
    }
  }
  const found = await findRun({ model, dataset, checkpoint, run, root });
  return runSource(found, checkpoint, data);
}

/** A path as seen from the working directory, if it is below. */
function shortest(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

/** The embedded model to export where there is no run of it. */
async function embeddedInstead(
  { model, dataset, checkpoint }: SourceQuery,
  root: string,
): Promise<string | undefined> {
  const embedded = await embeddedModels();
  // Of the others only the quantised form is there.
  const names = embedded.filter((name) => MODEL_NAMES.includes(name));
  // Who has trained means a run of theirs, also where none has the checkpoint yet.
  if (model === undefined) return (await listRunFolders(root)).length > 0 ? undefined : names[0];
  if (embedded.includes(model) && !names.includes(model)) {
    const file = shortest(embeddedModelPath(model));
    throw new UserError(
      `${file} has 8-bit weights, and nothing else can be made of them; use the file as it is, or train its net (models/README.md)`,
    );
  }
  if (!names.includes(model)) return undefined;
  return (await RunDirectory.latest(model, root, { checkpoint, dataset })) ? undefined : model;
}

interface RunQuery {
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
      `${flags.length > 0 ? `npm run train -- ${flags.join(' ')}` : 'npm run train'}, or give --run DIR`,
  );
}
