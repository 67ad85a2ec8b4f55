import type { onnx as Onnx } from 'onnx-proto';
import { labelsOf } from '../label-forms.ts';
import type { Preprocessing } from './preprocessing.ts';

/**
 * What the metadata of a model of another program says of how to prepare images for it, and of its labels. A
 * classifier of Ultralytics takes RGB from 0 to 1, whatever data it was trained on.
 */
export function inMetadata(model: Onnx.IModelProto): Preprocessing {
  const props = propsOf(model);
  const labels = namesIn(props, model);
  const isUltralytics = props.get('author') === 'Ultralytics' && props.get('task') === 'classify';
  const size = /^\s*\[(\d{1,4}), *(\d{1,4})\]\s*$/.exec(props.get('imgsz') ?? '');
  return {
    ...(isUltralytics && { mean: [0], std: [1] }),
    ...(isUltralytics && size && { sizes: [[Number(size[1]), Number(size[2])]] }),
    ...(labels && { labels }),
  };
}

/**
 * The class names that YOLO's exporters put into the metadata as `names`; undefined where other programs mean
 * something else by it, or there are not as many as the model has scores.
 */
function namesIn(props: ReadonlyMap<string, string>, model: Onnx.IModelProto): string[] | undefined {
  const text = props.get('names');
  if (text === undefined || (props.get('task') ?? 'classify') !== 'classify') return undefined;
  const names = parsePythonNames(text) ?? parseJson(text);
  let labels: string[];
  try {
    labels = labelsOf(names, 'names');
  } catch {
    return undefined;
  }
  const scores = (model.graph?.output ?? []).map((value) => dimsOf(value).at(-1));
  const fits = scores.some((classes) => classes === undefined || classes === labels.length);
  return fits || (labels.length === 2 && scores.includes(1)) ? labels : undefined;
}

/** Sizes; undefined where one is any. */
export function dimsOf(value: Onnx.IValueInfoProto): (number | undefined)[] {
  return (value.type?.tensorType?.shape?.dim ?? []).map(({ dimValue, dimParam }) =>
    dimParam ? undefined : Number(dimValue ?? 0) || undefined,
  );
}

function propsOf(model: Onnx.IModelProto): Map<string, string> {
  return new Map((model.metadataProps ?? []).map(({ key, value }) => [key ?? '', value ?? '']));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads a list or a dictionary of texts as Python's `repr` writes it, `{0: 'cat', 1: "dog's"}`, which is how
 * the exporters of YOLO put their class names into a model's metadata.
 * @returns undefined for anything else; numbers that are keys come as text
 */
export function parsePythonNames(text: string): string[] | Record<string, string> | undefined {
  const tokens = tokenize(text);
  const open = tokens?.shift();
  const close = open === '[' ? ']' : open === '{' ? '}' : undefined;
  if (!tokens || close === undefined || tokens.pop() !== close) return undefined;
  const list: string[] = [];
  const object: Record<string, string> = Object.create(null) as Record<string, string>;
  while (tokens.length > 0) {
    if (open === '{') {
      const [key, colon] = tokens.splice(0, 2);
      if (typeof key !== 'object' || colon !== ':' || key.text in object) return undefined;
      const value = tokens.shift();
      if (typeof value !== 'object' || value.isNumber) return undefined;
      object[key.text] = value.text;
    } else {
      const value = tokens.shift();
      if (typeof value !== 'object' || value.isNumber) return undefined;
      list.push(value.text);
    }
    if (tokens.length > 0 && tokens.shift() !== ',') return undefined;
  }
  return open === '[' ? list : object;
}

type Token = string | { text: string; isNumber: boolean };

const TOKEN = /\s*(?:([[\]{}:,])|(\d{1,8})|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")/y;
const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r' };

function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  const source = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const found = TOKEN.exec(source);
    if (!found) return undefined;
    const [, sign, number, single, double] = found;
    const quoted = single ?? double;
    if (sign !== undefined) tokens.push(sign);
    else if (quoted !== undefined) tokens.push({ text: unescaped(quoted), isNumber: false });
    else tokens.push({ text: String(Number(number)), isNumber: true });
  }
  return tokens;
}

function unescaped(quoted: string): string {
  return quoted.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/g,
    (_, x: string | undefined, u: string | undefined, long: string | undefined, char: string | undefined) => {
      const hex = x ?? u ?? long;
      if (hex === undefined) return ESCAPES[char!] ?? char!;
      const code = Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : '\uFFFD';
    },
  );
}
