import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorMessage, UserError } from '../errors.ts';
import { readLabels } from '../labels.ts';
import { FOREIGN_SCORES, type ForeignScores } from './score-kind.ts';

/** What a model of another program does not say itself: the contents of the JSON file beside it. */
export interface Preprocessing {
  /** What to call the model; left out: the file's name. */
  name?: string;
  /** What it was trained on, for people. */
  dataset?: string;
  /** Class names in order; in the file a list, or the path of a file with a name a line or a JSON list. */
  labels?: string[];
  /** Bytes are multiplied by `scale` (default 1/255), then `(value - mean) / std`, each in the model's order of channels. */
  scale?: number;
  mean?: number[];
  std?: number[];
  /** Height and width in pixels, where the model takes any; in the file one number, or two. */
  size?: [height: number, width: number];
  layout?: 'NCHW' | 'NHWC';
  color?: 'RGB' | 'BGR' | 'gray';
  /** Names of the image input and the output with the scores, where the graph has several. */
  input?: string;
  output?: string;
  /** What the output holds; left out: by the graph and what the model gives. */
  scores?: ForeignScores;
}

const KEYS = [
  ...['name', 'dataset', 'labels', 'scale', 'mean', 'std', 'size', 'layout', 'color'],
  ...['input', 'output', 'scores'],
];

/**
 * Reads the preprocessing of a model; a labels file is looked for beside it.
 * @throws UserError if it cannot be read, or holds what it should not
 */
export async function readPreprocessing(path: string): Promise<Preprocessing> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const problem = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    throw new UserError(`${path} ${problem}: ${errorMessage(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UserError(`${path} must be a JSON object with any of ${KEYS.join(', ')}`);
  }
  const json = value as Record<string, unknown>;
  const unknown = Object.keys(json).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    throw new UserError(`${path} has a key "${unknown}", which is none of ${KEYS.join(', ')}`);
  }
  const labels =
    typeof json.labels === 'string' ? await readLabels(join(dirname(path), json.labels)) : json.labels;
  return check({ ...json, ...(labels === undefined ? {} : { labels }) }, path);
}

function check(json: Record<string, unknown>, path: string): Preprocessing {
  const require = (key: string, ok: boolean, what: string): void => {
    if (json[key] !== undefined && !ok) throw new UserError(`${path}: "${key}" must be ${what}`);
  };
  for (const key of ['name', 'dataset', 'input', 'output']) {
    require(key, typeof json[key] === 'string' && json[key] !== '', 'a text');
  }
  const choice = (key: string, choices: readonly string[]): void =>
    require(key, choices.includes(json[key] as string), choices.join(' or '));
  choice('layout', ['NCHW', 'NHWC']);
  choice('color', ['RGB', 'BGR', 'gray']);
  choice('scores', FOREIGN_SCORES);
  const { labels, scale, size } = json;
  require('labels', Array.isArray(labels) &&
    labels.length > 0 &&
    labels.every((label) => typeof label === 'string'), 'a list of names, or the path of a file with them');
  require('scale', isNumber(scale) && scale > 0, 'a positive number');
  const sizes = isNumber(size) ? [size, size] : size;
  require('size', Array.isArray(sizes) &&
    sizes.length === 2 &&
    sizes.every(isSize), '1 to 4096 pixels, or two such');
  for (const key of ['mean', 'std']) {
    const list = listOf(json[key]);
    const ok = list.every((item) => isNumber(item) && (key === 'mean' || item > 0));
    require(key, ok && (list.length === 1 || list.length === 3), 'three numbers, or one (std: positive)');
    if (json[key] !== undefined) json[key] = list;
  }
  return { ...json, ...(sizes === undefined ? {} : { size: sizes }) } as Preprocessing;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isSize(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 4096;
}
