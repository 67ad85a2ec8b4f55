import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runMain } from '../../core/cli/main.ts';
import { kebabCase, type ParsedOptions, parseOptions } from '../../core/cli/options.ts';
import { printable } from '../../core/cli/printable.ts';
import { UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { readRegularFile } from '../../core/fs/regular-file.ts';
import { buildModel, MODEL_NAMES } from '../../core/models/zoo.ts';
import { watchInterrupt } from '../console.ts';
import { chooseDevice } from '../engine/providers/choose-device.ts';
import { DATA_CLI_OPTIONS, dataOptions, loadTrainingData } from '../load-data.ts';
import { givenSettings, settingOptions } from '../recipe/command-line.ts';
import { makeConfig, settle } from '../recipe/make-config.ts';
import { AUGMENTATION, MACHINE, TRAINING, trainImages } from '../recipe/settings.ts';
import { CELL_NAMES, CELLS, parseCells } from './cells.ts';
import { collectRuns } from './collect-runs.ts';
import { commandText } from './command-text.ts';
import { tableLines, unfinishedText } from './markdown.ts';
import { planRuns } from './planned-run.ts';
import { type AblationResults, summarizeRuns } from './results.ts';
import { parseSeeds } from './seeds.ts';
import { writeResults } from './write-results.ts';

// The cells decide these three.
const { augment: _, cutmixProb: __, cutmixBeta: ___, ...COMMON_AUGMENTATION } = AUGMENTATION;

const command = {
  name: 'ablation',
  summary:
    'Trains a net with crop and flip alone, with CutMix, with AutoAugment and with both, and makes a table of it.',
  options: {
    model: {
      type: 'string',
      value: 'NAME',
      help: 'model of the zoo',
      default: 'resnet20',
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
    ...settingOptions({ ...TRAINING, ...COMMON_AUGMENTATION, trainImages }),
    out: { type: 'string', value: 'DIR', help: 'where the runs are kept; default runs/ablation-<model>' },
    table: { type: 'string', value: 'FILE', help: 'write the table there, as Markdown' },
    json: { type: 'string', value: 'FILE', help: 'write the results there, as JSON' },
    'table-only': {
      type: 'boolean',
      help: 'train nothing; the table of the runs in --out, all cells and seeds unless given',
      default: false,
    },
    'max-minutes': { type: 'number', help: 'stop and save after so long', min: 0 },
    ...settingOptions(MACHINE),
  },
} as const;

type Options = ParsedOptions<(typeof command)['options']>;

/** Beside the runs: the command that trained them last, for a table that is made later. */
const COMMAND_FILE = 'command.txt';

const say = (line: string) => process.stdout.write(`${line}\n`);

await runMain(async () => {
  const args = process.argv.slice(2);
  const { options, given } = parseOptions(command, args);
  const out = options.out ?? join('runs', `ablation-${options.model}`);
  if (options.tableOnly) return tableOnly(options, given, out, commandText(args));
  return trainAndTabulate(options, given, out, commandText(args));
});

async function tableOnly(
  options: Options,
  given: ReadonlySet<string>,
  out: string,
  text: string,
): Promise<void> {
  refuseSettings(given);
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
  given: ReadonlySet<string>,
  out: string,
  text: string,
): Promise<void> {
  const cells = options.cells === undefined ? CELL_NAMES : parseCells(options.cells);
  const seeds = parseSeeds(options.seeds);
  const recipe = { ...givenSettings(options, given), ...CELLS.baseline, seed: seeds[0]! };
  const settings = settle(recipe);
  // One split for all seeds, so that they differ in nothing but the training.
  const dataset = await loadTrainingData(dataOptions(options, seeds[0]!), say);
  const model = buildModel(options.model, { numClasses: dataset.labels.length, imageSize: dataset.height });
  const warn = (line: string) => process.stderr.write(`${line}\n`);
  const device = await chooseDevice(settings, warn);
  const config = makeConfig({ ...recipe, ...device }, model, dataset);

  const { runAblation } = await import('./run-ablation.ts');
  const interrupt = watchInterrupt();
  const start = performance.now();
  const seconds = (options.maxMinutes ?? Number.POSITIVE_INFINITY) * 60;
  try {
    const results = await runAblation({
      runs: planRuns(out, config, cells, seeds),
      dataset,
      workers: settings.workers,
      threads: settings.threads,
      device,
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
function refuseSettings(given: ReadonlySet<string>): void {
  const allowed = new Set(['model', 'cells', 'seeds', 'out', 'table', 'json', 'tableOnly']);
  const refused = [...given].filter((key) => !allowed.has(key));
  if (refused.length === 0) return;
  const flags = refused.map((key) => `--${kebabCase(key)}`);
  throw new UserError(
    `${flags.join(', ')} ${refused.length === 1 ? 'has' : 'have'} no effect with --table-only`,
  );
}
