import { nearest } from '../cli/options.ts';
import type { ImageDataset, ImageSplit } from '../data/dataset.ts';
import { errorMessage, UserError } from '../errors.ts';
import { readRegularFile } from '../fs/regular-file.ts';

/** How many classes an error names. */
const MAX_NAMED = 3;

/**
 * Reads which class of the data is which of the model: a JSON object, `{"class of the data": "class of the model"}`.
 * @throws UserError if it is another thing
 */
export async function readClassMap(path: string): Promise<Map<string, string>> {
  let json: unknown;
  try {
    json = JSON.parse((await readRegularFile(path)).toString());
  } catch (error) {
    throw new UserError(`--class-map ${path} cannot be read: ${errorMessage(error)}`);
  }
  const entries = Object.entries(json ?? {});
  if (Array.isArray(json) || entries.length === 0 || entries.some(([, value]) => typeof value !== 'string')) {
    throw new UserError(
      `--class-map ${path} must be a JSON object of names, {"class of the data": "class of the model"}`,
    );
  }
  return new Map(entries as [string, string][]);
}

/**
 * The dataset with the classes of a model, in its order, of which the images may show some only: names are the same
 * without case, or as the map says. Two classes of the data may be one of the model.
 * @param labels the model's
 * @throws UserError naming the classes that the model has not, or has twice
 */
export function matchClasses(
  dataset: ImageDataset,
  labels: readonly string[],
  map: ReadonlyMap<string, string> = new Map(),
): ImageDataset {
  const unused = [...map.keys()].find((name) => !dataset.labels.includes(name));
  if (unused !== undefined)
    throw new UserError(`--class-map names ${JSON.stringify(unused)}, which is no class of the data`);
  const places = dataset.labels.map((name) => placeOf(map.get(name) ?? name, labels));
  const absent = dataset.labels.filter((_, label) => places[label] === undefined);
  if (absent.length > 0) throw new UserError(describeAbsent(absent, labels, map));
  if (places.every((place, label) => place === label) && labels.length === dataset.labels.length) {
    return { ...dataset, labels: [...labels] };
  }
  const moved = <T extends ImageSplit>(split: T): T => ({
    ...split,
    labels: Uint16Array.from(split.labels, (label) => places[label]!),
  });
  const { superclasses: _, validation, ...rest } = dataset;
  return {
    ...rest,
    labels: [...labels],
    train: moved(dataset.train),
    test: moved(dataset.test),
    ...(validation && { validation: moved(validation) }),
  };
}

function placeOf(name: string, labels: readonly string[]): number | undefined {
  const exact = labels.indexOf(name);
  if (exact >= 0) return exact;
  const found = labels.flatMap((label, place) => (plain(label) === plain(name) ? [place] : []));
  if (found.length > 1)
    throw new UserError(
      `${JSON.stringify(name)} of the data may be ${found.map((place) => JSON.stringify(labels[place])).join(' or ')} of the model; say which with --class-map FILE`,
    );
  return found[0];
}

/** Folders of macOS have their accents apart. */
function plain(name: string): string {
  return name.normalize('NFC').toLowerCase().trim();
}

function describeAbsent(
  absent: readonly string[],
  labels: readonly string[],
  map: ReadonlyMap<string, string>,
): string {
  const quoted = absent.slice(0, MAX_NAMED).map((name) => {
    const meant = map.get(name) ?? name;
    const near = nearest(meant, labels);
    return `${JSON.stringify(meant)}${near === undefined ? '' : ` (${JSON.stringify(near)}?)`}`;
  });
  const more = absent.length > MAX_NAMED ? ` and ${absent.length - MAX_NAMED} more` : '';
  const has = labels.slice(0, MAX_NAMED).map((name) => JSON.stringify(name));
  const others = labels.length > MAX_NAMED ? ', ...' : '';
  return `the model has no class ${quoted.join(', ')}${more}; its ${labels.length} classes are ${has.join(', ')}${others}; say which is which with --class-map FILE, JSON of {${JSON.stringify(absent[0])}: ${JSON.stringify(labels[0])}}`;
}
