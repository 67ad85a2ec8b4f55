import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runMain } from '../../core/cli/main.ts';
import { kebabCase, type ParsedOptions, parseOptions } from '../../core/cli/options.ts';
import { printable } from '../../core/cli/printable.ts';
import { UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { readRegularFile } from '../../core/fs/regular-file.ts';
import { MODEL_NAMES } from '../../core/models/zoo.ts';
import { watchInterrupt } from '../console.ts';
import { DATA_CLI_OPTIONS, dataOptions, loadTrainingData } from '../load-data.ts';
import { planRun } from '../plan-run.ts';
import { givenSettings, settingOptions } from '../recipe/command-line.ts';
import { settle } from '../recipe/make-config.ts';
import { namedRecipe, PRESET_CLI_OPTION } from '../recipe/recipe-file.ts';
import {
  AUGMENTATION,
  MACHINE,
  plainEpochs,
  progressive,
  type Recipe,
  TRAINING,
  trainImages,
} from '../recipe/settings.ts';
import { CELL_KEYS, CELL_NAMES, CELLS, parseCells, parseSeeds } from './cells.ts';
import { tableLines, unfinishedText } from './markdown.ts';
import { collectRuns, planRuns } from './planned-run.ts';
import { type AblationResults, summarizeRuns } from './results.ts';
import { commandText, writeResults } from './write-results.ts';

// The cells decide these three.
const { augment: _, cutmixProb: __, cutmixBeta: ___, ...COMMON_AUGMENTATION } = AUGMENTATION;
// The table is of runs of equal length.
const { patience: ____, ...COMMON_TRAINING } = TRAINING;

const DEFAULT_MODEL = 'resnet20';

const command = {
  name: 'ablation',
  summary:
    'Trains a net with crop and flip alone, with CutMix, with AutoAugment and with both, and makes a table of it.',
  options: {
    ...PRESET_CLI_OPTION,
    model: {
      type: 'string',
      value: 'NAME',
      help: `model of the zoo; default: the recipe's, else ${DEFAULT_MODEL}`,
      choices: MODEL_NAMES,
    },
    cells: {
      type: 'string',
      value: 'A,B,...',
      help: `rows of the table, of ${CELL_NAMES.join(', ')}; default all`,
    },
    seeds: {
      type: 'string',
      value: 'N | A,B,...',
      help: 'how many runs a cell gets, with seeds from 1 on, or their seeds',
      default: '3',
    },
    ...DATA_CLI_OPTIONS,
    ...settingOptions({ ...COMMON_TRAINING, ...COMMON_AUGMENTATION, trainImages, progressive, plainEpochs }),
    out: { type: 'string', value: 'DIR', help: 'where the runs are kept; default runs/ablation-<model>' },
    table: { type: 'string', value: 'FILE', help: 'write the table there, as Markdown' },
    json: { type: 'string', value: 'FILE', help: 'write the results there, as JSON' },
    'table-only': {
      type: 'boolean',
      help: 'train nothing; the table of the runs in --out, all cells and seeds unless given',
      default: false,
    },
    'max-minutes': { type: 'number', help: 'stop and save after so long, in an evaluation too', min: 0 },
    ...settingOptions(MACHINE),
  },
  positionals: '[RECIPE]',
} as const;

type Options = ParsedOptions<(typeof command)['options']>;

/** Beside the runs: the command that trained them last, for a table that is made later. */
const COMMAND_FILE = 'command.txt';

const say = (line: string) => process.stdout.write(`${line}\n`);

await runMain(async () => {
  const args = process.argv.slice(2);
  const { options, positionals, given } = parseOptions(command, args);
  if (options.tableOnly) {
    refuseSettings(given, positionals);
    const out = options.out ?? folderOf(options.model ?? DEFAULT_MODEL);
    return tableOnly(options, given, out, commandText(args));
  }
  const said = givenSettings(options, given);
  const recipe = { ...(await namedRecipe(positionals, options.preset)), ...said };
  const decided = [...CELL_KEYS, 'seed' as const, 'patience' as const].filter(
    (key) => recipe[key] !== undefined,
  );
  if (decided.length > 0)
    say(`${decided.join(', ')} of the recipe: not taken, for the runs differ in cell and seed alone`);
  const named = { ...recipe, model: recipe.model ?? DEFAULT_MODEL };
  return trainAndTabulate(options, named, said.batchSize === undefined, commandText(args));
});

function folderOf(model: string): string {
  return join('runs', `ablation-${model}`);
}

async function tableOnly(
  options: Options,
  given: ReadonlySet<string>,
  out: string,
  text: string,
): Promise<void> {
  const cells = options.cells === undefined ? undefined : parseCells(options.cells);
  const seeds = given.has('seeds') ? parseSeeds(options.seeds) : undefined;
  const { finished, unfinished } = await collectRuns(out, { cells, seeds });
  if (finished.length === 0) {
    throw new UserError(`no run of an ablation is finished in ${out}; say where they are with --out`);
  }
  const present = new Set(finished.map(({ cell }) => cell));
  const results = summarizeRuns(
    finished,
    cells ?? CELL_NAMES.filter((cell) => present.has(cell)),
    unfinished,
  );
  for (const line of tableLines(results)) say(line);
  for (const run of unfinished) say(`not in the table: ${unfinishedText(run, results.epochs)}`);
  const trainedBy = join(out, COMMAND_FILE);
  const trained = existsSync(trainedBy)
    ? printable((await readRegularFile(trainedBy)).toString('utf8').trim())
    : undefined;
  await write(results, [...(trained === undefined ? [] : [trained]), text], options);
}

async function trainAndTabulate(
  options: Options,
  recipe: Recipe & { model: string },
  fit: boolean,
  text: string,
): Promise<void> {
  const out = options.out ?? folderOf(recipe.model);
  const cells = options.cells === undefined ? CELL_NAMES : parseCells(options.cells);
  const seeds = parseSeeds(options.seeds);
  const common = { ...recipe, ...CELLS.baseline, seed: seeds[0]!, patience: 0 };
  settle(common);
  // One split for all seeds, so that they differ in nothing but the training.
  const dataset = await loadTrainingData(dataOptions(options, common), say);
  const warn = (line: string) => process.stderr.write(`${line}\n`);
  const { config, device, threads, workers } = await planRun(common, dataset, { say, warn }, { fit });

  const { runAblation } = await import('./run-ablation.ts');
  const interrupt = watchInterrupt();
  const start = performance.now();
  const seconds = (options.maxMinutes ?? Number.POSITIVE_INFINITY) * 60;
  try {
    const results = await runAblation({
      runs: planRuns(out, config, cells, seeds),
      dataset,
      ...{ workers, threads, device },
      shouldStop: () => interrupt.requested() || performance.now() - start > seconds * 1000,
      onTrain: () => writeFileAtomic(join(out, COMMAND_FILE), `${text}\n`),
      say,
    });
    if (!results) {
      say(`stopped; continue with ${text}`);
      if (interrupt.requested()) process.exitCode = 130;
      return;
    }
    await write(results, [text], options);
  } finally {
    interrupt.release();
  }
}

async function write(results: AblationResults, commands: readonly string[], options: Options): Promise<void> {
  for (const path of await writeResults(results, commands, options)) say(`wrote ${path}`);
}

/** The runs on disk have their settings; to take others on the command line without effect would mislead. */
function refuseSettings(given: ReadonlySet<string>, recipes: readonly string[]): void {
  const allowed = new Set(['model', 'cells', 'seeds', 'out', 'table', 'json', 'tableOnly']);
  const refused = [...given].filter((key) => !allowed.has(key));
  if (refused.length + recipes.length === 0) return;
  const flags = [...recipes, ...refused.map((key) => `--${kebabCase(key)}`)];
  throw new UserError(
    `${flags.join(', ')} ${flags.length === 1 ? 'has' : 'have'} no effect with --table-only`,
  );
}
