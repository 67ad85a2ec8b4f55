import { cleanText } from './cli/printable.ts';
import { UserError } from './errors.ts';

/** What label names may be as JSON, for errors. */
export const LABEL_FORMS =
  'a list of names, an object of names by number ({"0": "cat", "1": "dog"}, or {"0": ["n02123045", "cat"]})';

/**
 * Label names from JSON as several programs write them: a list; an object by number, as Hugging Face's
 * `id2label`, or Keras's `imagenet_class_index.json`, whose values are pairs of WordNet id and name; the other way round,
 * as `label2id`; or a configuration with one of them inside (Hugging Face's and timm's `config.json`).
 * @param source what to call the JSON in an error
 * @throws UserError if it is none of these, or a class has no name or two
 */
export function labelsOf(json: unknown, source: string): string[] {
  if (Array.isArray(json)) return names(json, source);
  if (typeof json !== 'object' || json === null) throw new UserError(`${source} must be ${LABEL_FORMS}`);
  const object = json as Record<string, unknown>;
  const { id2label, label2id, label_names: timm } = object;
  if (isObject(id2label)) return byNumber(Object.entries(id2label), `${source}: "id2label"`);
  if (isObject(label2id)) return byNumber(swapped(label2id), `${source}: "label2id"`);
  if (Array.isArray(timm)) {
    // WordNet ids, which another table explains.
    const descriptions = isObject(object.label_descriptions) ? object.label_descriptions : {};
    const described = timm.map((id) => (Object.hasOwn(descriptions, id) ? descriptions[id] : id));
    return names(
      described.map((name, i) => (typeof name === 'string' ? name : timm[i])),
      `${source}: "label_names"`,
    );
  }
  if (isObject(timm)) return byNumber(Object.entries(timm), `${source}: "label_names"`);
  // Where both sides are numbers, either may be the class.
  const isSwapped = Object.values(object).every(Number.isInteger) && !Object.keys(object).every(isIndex);
  return byNumber(isSwapped ? swapped(object) : Object.entries(object), source);
}

/** The label names that a file's metadata has as a JSON list; undefined if it has none. */
export function storedLabels(json: string | undefined): string[] | undefined {
  try {
    const labels: unknown = JSON.parse(json ?? 'null');
    const isNames = Array.isArray(labels) && labels.every((label) => typeof label === 'string');
    return isNames && labels.length > 0 ? labels.map(cleanText) : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isIndex(key: string): boolean {
  return /^(0|[1-9]\d{0,7})$/.test(key);
}

function swapped(label2id: Record<string, unknown>): [string, unknown][] {
  return Object.entries(label2id).map(([name, index]) => [String(index), name]);
}

function names(list: readonly unknown[], source: string): string[] {
  if (list.length === 0) throw new UserError(`${source} has no label names`);
  return list.map((label, index) => {
    if (typeof label === 'string' && label.trim() !== '') return cleanText(label);
    if (typeof label === 'string') throw new UserError(`${source}: the name of class ${index} is empty`);
    throw new UserError(`${source}: the name of class ${index} is no text; it must be ${LABEL_FORMS}`);
  });
}

function byNumber(entries: readonly [string, unknown][], source: string): string[] {
  const byIndex = new Map<number, unknown>();
  for (const [key, value] of entries) {
    // Keras: [WordNet id, name].
    const name = Array.isArray(value) && value.length === 2 ? value[1] : value;
    const index = Number(key);
    if (!isIndex(key) || typeof name !== 'string') {
      throw new UserError(`${source} must be ${LABEL_FORMS}, and has ${JSON.stringify(key).slice(0, 60)}`);
    }
    if (byIndex.has(index)) throw new UserError(`${source} names class ${index} twice`);
    byIndex.set(index, name);
  }
  // A name left out would shift none of the others, but what it stands for is not known.
  const list = entries.map((_, index) => byIndex.get(index));
  const missing = list.indexOf(undefined);
  if (missing >= 0) {
    throw new UserError(`${source} has no name for class ${missing}, of ${entries.length} in all from 0 on`);
  }
  return names(list, source);
}
