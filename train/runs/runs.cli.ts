import { existsSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { printable, printableJson } from '../../core/cli/printable.ts';
import { UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { listRunFolders } from '../../core/runs/run-folders.ts';
import { configDifferences } from './compare.ts';
import { comparisonPage } from './compare-html.ts';
import { comparisonLines } from './compare-text.ts';
import { filterRuns, listLines, SORT_CHOICES, type SortBy, sortedSummaries } from './list.ts';
import { type RunRecord, readRun, readRuns } from './read-run.ts';
import { summarize } from './summary.ts';

const command = {
  name: 'runs',
  summary:
    'Lists training runs; "compare A B ..." sets some side by side; "plot A ..." draws their curves into A/plots; "note A TEXT" keeps a line on one; "delete A ..." removes some.',
  options: {
    root: { type: 'string', value: 'DIR', help: 'where the runs are', default: 'runs' },
    sort: {
      type: 'string',
      value: 'BY',
      help: 'best top-1 first, last changed first, or by name',
      default: 'top1',
      choices: SORT_CHOICES,
    },
    filter: {
      type: 'list',
      value: 'KEY=VALUE',
      help: 'list: only runs with this name (or part of it), state, model, dataset or setting, e.g. state=live or lr=0.1',
    },
    json: { type: 'boolean', help: 'JSON on stdout', default: false },
    html: { type: 'string', value: 'FILE', help: 'compare: also write a page with the curves' },
    'log-loss': {
      type: 'boolean',
      help: 'compare: loss on a logarithmic scale in the page; default: where it spikes, --no-log-loss never',
    },
    yes: { type: 'boolean', help: 'delete: do it, and not only say what would be deleted', default: false },
  },
  positionals: '[compare RUN RUN... | plot RUN... | note RUN [TEXT] | delete RUN...]',
} as const;

const say = (line: string) => process.stdout.write(`${line}\n`);

await runMain(async () => {
  const { options, positionals, given } = parseOptions(command, process.argv.slice(2));
  const [action, ...names] = positionals;
  refuseMisplaced(action, given);
  if (action === undefined) return list(options.root, options.sort as SortBy, options.json, options.filter);
  if (action === 'compare') return compare(names, options);
  if (action === 'plot') return plot(names, options.root);
  if (action === 'note') return note(names, options.root);
  if (action === 'delete') return remove(names, options.root, options.yes);
  throw new UserError(
    `"${printable(action)}" is none of compare, plot, note, delete; see npm run runs -- --help`,
  );
});

async function list(root: string, sort: SortBy, json: boolean, filters: string[]): Promise<void> {
  // Before the first training there is no such directory, which is no mistake.
  const { runs, skipped } =
    root === command.options.root.default && !existsSync(root)
      ? { runs: [], skipped: [] }
      : await readRuns(root);
  const summaries = sortedSummaries(filterRuns(runs, filters), sort);
  if (json) say(printableJson(summaries, 2));
  else if (summaries.length === 0 && runs.length > 0) say(`none of the ${runs.length} runs in ${root} is so`);
  else if (summaries.length === 0) say(`no runs in ${root}; npm run train makes one`);
  else for (const line of listLines(summaries, process.stdout.columns)) say(line);
  for (const reason of skipped) process.stderr.write(`skipped: ${printable(reason)}\n`);
}

async function compare(
  names: string[],
  options: { root: string; json: boolean; html: string | undefined; logLoss: boolean | undefined },
): Promise<void> {
  if (names.length < 2) throw new UserError('compare takes the names of two or more runs');
  const runs: RunRecord[] = [];
  for (const name of names) runs.push({ ...(await readRun(await locate(name, options.root))), name });
  if (options.json) {
    const differences = configDifferences(runs).map(({ name }) => name);
    const entries = runs.map((run) => ({
      ...summarize(run),
      config: Object.fromEntries(differences.map((key) => [key, run.config[key] ?? null])),
      epochs: run.epochs,
    }));
    say(printableJson(entries, 2));
  } else {
    for (const line of comparisonLines(runs)) say(line);
  }
  if (options.html !== undefined) {
    await writeFileAtomic(
      options.html,
      comparisonPage(runs, options.logLoss === undefined ? {} : { logLoss: options.logLoss }),
    ).catch((error: NodeJS.ErrnoException) => {
      throw new UserError(`cannot write ${options.html}: ${error.code ?? error.message}`);
    });
    if (!options.json) say(`\nwrote ${options.html}`);
  }
}

async function plot(names: string[], root: string): Promise<void> {
  if (names.length === 0) throw new UserError('plot takes the names of runs');
  for (const name of names) {
    const { path } = await readRun(await locate(name, root));
    const { writePlots } = await import('./write-plots.ts');
    for (const file of await writePlots(RunDirectory.open(path))) say(file);
  }
}

async function note([name, ...words]: string[], root: string): Promise<void> {
  if (name === undefined) throw new UserError('note takes the name of a run, and what to note');
  const run = RunDirectory.open(await locate(name, root));
  if (words.length > 0) await run.writeNote(words.join(' '));
  say(printable((await run.readNote()) ?? `nothing is noted of ${run.path}`));
}

async function remove(names: string[], root: string, yes: boolean): Promise<void> {
  if (names.length === 0) throw new UserError('delete takes the names of runs');
  const runs = await Promise.all(names.map(async (name) => readRun(await locate(name, root))));
  for (const line of listLines(runs.map(summarize))) say(line);
  if (!yes)
    throw new UserError(`nothing is deleted yet; add --yes to delete ${runs.length === 1 ? 'it' : 'them'}`);
  for (const { path } of runs) {
    await RunDirectory.open(path).remove();
    say(`deleted ${path}`);
  }
}

/** A run may be given by its name under the root or by its path; one of an ablation also by its own name, as the page shows it. */
async function locate(name: string, root: string): Promise<string> {
  const underRoot = join(root, name);
  if (existsSync(underRoot)) return underRoot;
  if (existsSync(name)) return name;
  const named = (await listRunFolders(root))
    .map(({ path }) => path)
    .filter((path) => basename(path) === name);
  if (named.length === 1) return named[0]!;
  if (named.length > 1) {
    const which = named.map((path) => printable(relative(root, path))).sort();
    throw new UserError(
      `${printable(name)} is the name of ${named.length} runs; say which: ${which.join(', ')}`,
    );
  }
  throw new UserError(`there is no run ${printable(name)} in ${root}; npm run runs lists them`);
}

function refuseMisplaced(action: string | undefined, given: ReadonlySet<string>): void {
  const allowed: Record<string, string[]> = {
    compare: ['root', 'json', 'html', 'logLoss'],
    plot: ['root'],
    note: ['root'],
    delete: ['root', 'yes'],
  };
  const known = action === undefined ? ['root', 'sort', 'json', 'filter'] : allowed[action];
  const misplaced = known && [...given].find((key) => !known.includes(key));
  if (misplaced === undefined) return;
  const flag = `--${misplaced === 'logLoss' ? 'log-loss' : misplaced}`;
  throw new UserError(`${flag} has no effect on ${action ?? 'the list'}; see npm run runs -- --help`);
}
