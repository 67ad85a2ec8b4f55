import * as z from 'zod/mini';
import { cleanText } from '../cli/printable.ts';
import { errorMessage, UserError } from '../errors.ts';
import type { FileTree } from '../fs/file-tree.ts';
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
  /** Whether a picture may be of several classes, so that logits are each by itself; not in the file. */
  multiLabel?: boolean;
}

const KEYS = [
  ...['name', 'dataset', 'labels', 'scale', 'mean', 'std', 'size', 'layout', 'color'],
  ...['input', 'output', 'scores'],
];

/**
 * Reads the preprocessing of a model: a JSON of our own, or what Hugging Face's transformers
 * (`preprocessor_config.json`) or timm (`config.json`) write, told by its keys.
 * @throws UserError if it cannot be read, or holds what it should not
 */
export async function readPreprocessing(path: string, tree: FileTree): Promise<Preprocessing> {
  const json = await readJson(path, tree);
  const { json: own, sizes, notes } = translate(json, path);
  const unknown = Object.keys(own).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) {
    throw new UserError(`${path} has a key "${cleanText(unknown)}", which is none of ${KEYS.join(', ')}`);
  }
  const labels =
    typeof own.labels === 'string'
      ? await labelsBeside(path, own.labels, tree)
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
export async function readJson(path: string, tree: FileTree): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(await tree.read(path, MAX_LABEL_BYTES)));
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

/** What is done otherwise here than by the model's makers, as a line. */
export function preprocessingNotes({ notes = [] }: Preprocessing): string[] {
  if (notes.length === 0) return [];
  return [
    `its makers' preprocessing ${notes.join(', and ')}; here the middle part of the input's aspect ` +
      'ratio is taken and resized bilinearly, so its scores may differ from theirs',
  ];
}

function translate(json: Record<string, unknown>, path: string): Translated {
  const { image_processor: inner } = json;
  // A processor_config.json has that of the image processor inside.
  if (typeof inner === 'object' && inner !== null) return translate(inner as Record<string, unknown>, path);
  if (isImageProcessor(json)) return fromImageProcessor(json, path);
  if (isTimm(json)) return fromTimm(json, path);
  return { json, sizes: [], notes: [] };
}

async function labelsBeside(path: string, location: string, tree: FileTree): Promise<string[]> {
  let found: string;
  try {
    found = await tree.beside(path, location);
  } catch (error) {
    throw new UserError(`${path}: cannot read the labels "${location}": it ${errorMessage(error)}`);
  }
  return readLabels(found, tree);
}

const number = z.number();
const positive = z.number().check(z.gt(0));
const pixels = z.int().check(z.gte(1), z.lte(4096));
const text = [z.string().check(z.minLength(1)), 'a text'] as const;
const choice = (choices: readonly string[]) => [z.enum(choices), choices.join(' or ')] as const;
const PER_CHANNEL = 'three numbers, or one (std: positive)';

/** The schema of each key, where numbers and lists of them are lists already, and what to say where it does not fit. */
const SCHEMA: Readonly<Record<string, readonly [z.ZodMiniType, string]>> = {
  ...{ name: text, dataset: text, input: text, output: text },
  layout: choice(['NCHW', 'NHWC']),
  color: choice(['RGB', 'BGR', 'gray']),
  scores: choice(FOREIGN_SCORES),
  labels: [z.array(z.string()).check(z.minLength(1)), 'a list of names, or the path of a file with them'],
  scale: [positive, 'a positive number'],
  size: [z.tuple([pixels, pixels]), '1 to 4096 pixels, or two such'],
  mean: [z.union([z.tuple([number]), z.tuple([number, number, number])]), PER_CHANNEL],
  std: [z.union([z.tuple([positive]), z.tuple([positive, positive, positive])]), PER_CHANNEL],
};

function check(json: Record<string, unknown>, path: string): Preprocessing {
  const { size, mean, std, ...given } = json;
  const listOf = (value: unknown): unknown => (value === undefined || Array.isArray(value) ? value : [value]);
  const both = typeof size === 'number' ? [size, size] : size;
  const lists = Object.entries({ ...given, size: both, mean: listOf(mean), std: listOf(std) });
  const checked = lists.filter(([, value]) => value !== undefined);
  for (const [key, value] of checked) {
    const [schema, what] = SCHEMA[key] ?? [];
    if (schema && !z.safeParse(schema, value).success) {
      throw new UserError(`${path}: "${key}" must be ${what}`);
    }
  }
  return Object.fromEntries(checked) as Preprocessing;
}
