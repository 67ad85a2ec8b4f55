import { cleanText } from './cli/printable.ts';
import { errorMessage, UserError } from './errors.ts';
import type { FileTree } from './fs/file-tree.ts';
import { LABEL_FORMS, labelsOf } from './label-forms.ts';

/** ImageNet-21k's names have 1 MB; a JSON with each of them twice, indented, three times that. */
export const MAX_LABEL_BYTES = 16_000_000;

/**
 * Reads label names in the order of the classes: a JSON of any form that {@link labelsOf} takes, or text with a
 * name a line.
 * @throws UserError if the file cannot be read or has no names
 */
export async function readLabels(path: string, tree: FileTree): Promise<string[]> {
  let text: string;
  try {
    text = new TextDecoder().decode(await tree.read(path, MAX_LABEL_BYTES));
  } catch (error) {
    throw new UserError(`cannot read the labels ${path}: ${errorMessage(error)}`);
  }
  if (/^\s*[[{]/.test(text)) {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new UserError(`${path} must be ${LABEL_FORMS} as JSON, or a name a line`);
    }
    return labelsOf(json, path);
  }
  const labels = text
    .split(/\r?\n/)
    .map((line) => cleanText(line).trim())
    .filter((line) => line !== '');
  if (labels.length === 0) throw new UserError(`${path} has no label names`);
  return labels;
}
