import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);
/** Commands that are asked at a time. */
const AT_ONCE = 4;

/** Where {@link optionTables} are kept. */
export const OPTION_TABLES = join(PROJECT, 'docs/options.md');

/** A command as its `--help` describes it. */
export interface CommandHelp {
  name: string;
  summary: string;
  usage: string;
  options: { flag: string; help: string }[];
}

/** Of all commands, in the order of package.json, what their `--help` says. */
export async function readHelp(): Promise<CommandHelp[]> {
  const { scripts } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const names = Object.keys(scripts).filter((name) => scripts[name] === `node onnx-classifier.js ${name}`);
  const found: CommandHelp[] = [];
  for (let at = 0; at < names.length; at += AT_ONCE) {
    found.push(...(await Promise.all(names.slice(at, at + AT_ONCE).map(helpOf))));
  }
  return found;
}

async function helpOf(name: string): Promise<CommandHelp> {
  const { stdout } = await run(process.execPath, ['onnx-classifier.js', name, '--help'], { cwd: PROJECT });
  const [summary = '', , usage = ''] = stdout.split('\n');
  const options = [...stdout.matchAll(/^ {2}(--.+?) {2,}(.+)$/gm)].map(([, flag, help]) => ({
    flag: flag!,
    help: help!,
  }));
  return { name, summary, usage: usage.replace('Usage: ', ''), options };
}

/** All options of all commands, as Markdown. */
export function optionTables(commands: readonly CommandHelp[]): string {
  const sections = commands.map(({ name, summary, usage, options }) =>
    [
      `## npm run ${name}`,
      summary,
      `\`${usage}\``,
      [
        '| option | what it does |',
        '| --- | --- |',
        ...options
          .filter(({ flag }) => flag !== '--help')
          .map(({ flag, help }) => `| ${cell(`\`${flag}\``)} | ${cell(help)} |`),
      ].join('\n'),
    ].join('\n\n'),
  );
  const head =
    'Every option of every command, as its `--help` says it; written by `npm run options`. From the installed package a ' +
    'command is called `npx onnx-classifier NAME`, without the `--`. What the commands are for: [guide.md](guide.md).';
  return `${['# Options', head, ...sections].join('\n\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

if (process.argv[1] !== undefined && pathToFileURL(process.argv[1]).href === import.meta.url) {
  await writeFile(OPTION_TABLES, optionTables(await readHelp()));
}
