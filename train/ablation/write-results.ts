import { errorMessage, UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { tableDocument } from './markdown.ts';
import { REFERENCE, referenceDifferences } from './reference.ts';
import type { AblationResults } from './results.ts';

export interface ResultFiles {
  /** `--table`: a Markdown document. */
  table?: string | undefined;
  /** `--json` */
  json?: string | undefined;
}

/**
 * Writes the files that were asked for.
 * @param command the lines of shell that made the results
 * @returns the paths written
 * @throws UserError if one cannot be written
 */
export async function writeResults(
  results: AblationResults,
  command: readonly string[],
  { table, json }: ResultFiles,
): Promise<string[]> {
  if (table !== undefined) await write(table, tableDocument(results, command));
  if (json !== undefined) {
    const reference = { ...REFERENCE, differences: referenceDifferences(results) };
    await write(json, `${JSON.stringify({ command, ...results, reference }, null, 2)}\n`);
  }
  return [table, json].filter((path) => path !== undefined);
}

async function write(path: string, text: string): Promise<void> {
  await writeFileAtomic(path, text).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`cannot write ${path}: ${error.code ?? errorMessage(error)}`);
  });
}

/** The command line that was given, as it can be typed into a shell again. */
export function commandText(args: readonly string[]): string {
  return args.length > 0 ? `npm run ablation -- ${args.map(quote).join(' ')}` : 'npm run ablation';
}

function quote(arg: string): string {
  return /^[\w.,:=/@%+-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`;
}
