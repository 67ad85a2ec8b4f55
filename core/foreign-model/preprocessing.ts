import { dirname, join } from 'node:path';
import { cleanText } from '../cli/printable.ts';
import { errorMessage, UserError } from '../errors.ts';
import { fileBeside } from '../fs/beside.ts';
import type { FileStamps } from '../fs/file-stamps.ts';
import { readRegularFile } from '../fs/regular-file.ts';
import { labelsOf } from '../label-forms.ts';
import { MAX_LABEL_BYTES, readLabels } from '../labels.ts';
import { fromImageProcessor, fromTimm, isImageProcessor, isTimm, type Translated } from './hugging-face.ts';
import { FOREIGN_SCORES, type ForeignScores } from './score-kind.ts';

/** What a model of another program does not say itself: the contents of the JSON file beside it. */
export interface Preprocessing {
  /** What to call the model; left out: the file's name. */
  name?: string;
  /** What it was trained on, for people. */
  dataset?: string;
  /** Class names in order; in the file a list, an object by number, or the path of a file beside it (see `readLabels`). */
  labels?: string[];
  /** Bytes are multiplied by `scale` (default 1/255), then `(value - mean) / std`, each in the model's order of channels. */
  scale?: number;
  mean?: number[];
  std?: number[];
  /** Height and width in pixels, where the model takes any; in the file one number, or two. */
  size?: [height: number, width: number];
  /** Of which the graph may have any; not in the file. */
  sizes?: [height: number, width: number][];
  /** How its makers bring a picture to the input otherwise than it is done here, for people; not in the file. */
  notes?: string[];
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
 * Reads the preprocessing of a model: a JSON of our own, or what Hugging Face's transformers
 * (`preprocessor_config.json`) or timm (`config.json`) write, told by its keys.
 * @param files gets the files that are read
 * @throws UserError if it cannot be read, or holds what it should not
 */
export async function readPreprocessing(path: string, files?: FileStamps): Promise<Preprocessing> {
  const json = await readJson(path, files);
  const { json: own, sizes, notes } = translate(json, path);
  const unknown = Object.keys(own).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    throw new UserError(`${path} has a key "${cleanText(unknown)}", which is none of ${KEYS.join(', ')}`);
  }
  const labels =
    typeof own.labels === 'string'
      ? await labelsBeside(path, own.labels, files)
      : own.labels === undefined
        ? undefined
        : labelsOf(own.labels, `${path}: "labels"`);
  const checked = check({ ...own, ...(labels === undefined ? {} : { labels }) }, path);
  for (const [h, w] of sizes) check({ size: [h, w] }, path);
  return { ...checked, ...(sizes.length > 0 && { sizes }), ...(notes.length > 0 && { notes }) };
}

/**
 * Reads a JSON object.
 * @throws UserError if it cannot be read, or is none
 */
export async function readJson(path: string, files?: FileStamps): Promise<Record<string, unknown>> {
  await files?.add(path);
  let value: unknown;
  try {
    value = JSON.parse(
      (await readRegularFile(path, MAX_LABEL_BYTES)).toString('utf8').replace(/^\uFEFF/, ''),
    );
  } catch (error) {
    // The parser's message cites the file, which a link may have led to anywhere.
    const problem = error instanceof SyntaxError ? 'is not JSON' : `cannot be read: ${errorMessage(error)}`;
    throw new UserError(`${path} ${problem}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UserError(`${path} must be a JSON object with any of ${KEYS.join(', ')}`);
  }
  return value as Record<string, unknown>;
}

function translate(json: Record<string, unknown>, path: string): Translated {
  const { image_processor: inner } = json;
  // A processor_config.json has that of the image processor inside.
  if (typeof inner === 'object' && inner !== null) return translate(inner as Record<string, unknown>, path);
  if (isImageProcessor(json)) return fromImageProcessor(json, path);
  if (isTimm(json)) return fromTimm(json, path);
  return { json, sizes: [], notes: [] };
}

async function labelsBeside(path: string, location: string, files?: FileStamps): Promise<string[]> {
  await files?.add(join(dirname(path), location));
  let found: string;
  try {
    found = await fileBeside(path, location);
  } catch (error) {
    throw new UserError(`${path}: cannot read the labels "${location}": it ${errorMessage(error)}`);
  }
  await files?.add(found);
  return readLabels(found);
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
