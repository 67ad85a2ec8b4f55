import { readFile } from 'node:fs/promises';
import { errorMessage, UserError } from './errors.ts';

/**
 * Reads label names in the order of the classes: a JSON list, or text with a name a line.
 * @throws UserError if the file cannot be read or has no names
 */
export async function readLabels(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read the labels ${path}: ${errorMessage(error)}`);
  }
  if (text.trimStart().startsWith('[')) {
    const labels = storedLabels(text);
    if (labels) return labels;
    throw new UserError(`${path} must be a JSON list of label names, or a name a line`);
  }
  const labels = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (labels.length === 0) throw new UserError(`${path} has no label names`);
  return labels;
}

/** The label names that a file's metadata has as a JSON list; undefined if it has none. */
export function storedLabels(json: string | undefined): string[] | undefined {
  try {
    const labels: unknown = JSON.parse(json ?? 'null');
    const isNames = Array.isArray(labels) && labels.every((label) => typeof label === 'string');
    return isNames && labels.length > 0 ? labels : undefined;
  } catch {
    return undefined;
  }
}
