import type { ImageDataset, ImageSplit } from '../dataset.ts';
import { type DuplicateGroup, findDuplicates, type ImagePlace, PARTS, type Part } from './duplicates.ts';

/** An image as a report names it. */
export interface ReportedImage {
  split: Part;
  /** From 0, in the order in which the split is read. */
  index: number;
  label: string;
  /** Its file, for an image folder. */
  file?: string;
}

/** What is odd about an image, in itself. */
export type Oddity =
  | 'one colour'
  | 'almost black'
  | 'almost white'
  /** The file has fewer pixels than it is brought to. */
  | 'enlarged'
  /** The file is so wide or tall that most of it is cut off. */
  | 'mostly cut off';

/** What `npm run data -- --report` finds out, as it is written as JSON. */
export interface DatasetReport {
  dataset: string;
  path?: string;
  /** Height and width that the images are brought to; duplicates are of these pixels. */
  imageSize: number;
  classes: number;
  images: Partial<Record<Part, number>>;
  /** Images of each class in each split, in the order of the classes. */
  classCounts: ({ label: string } & Partial<Record<Part, number>>)[];
  duplicates: {
    /** Pairs in a split: of three alike, the second and the third are counted. `conflicting`: of other labels. */
    within: Partial<Record<Part, { images: number; conflicting: number }>>;
    /** Images of the later split that stand in the earlier one; `conflicting`: under other labels only. */
    across: { split: Part; in: Part; images: number; conflicting: number }[];
    groups: { conflicting: boolean; images: ReportedImage[] }[];
  };
  odd: (ReportedImage & { what: Oddity })[];
  /** A line for each file that cannot be read. */
  broken: string[];
  /** What files were passed over, in a line. */
  notes: string[];
}

/** Looks at every image of a dataset. @param found what the reading of it told */
export function reportDataset(
  dataset: ImageDataset,
  found: { broken: readonly string[]; notes: readonly string[] },
): DatasetReport {
  const parts = PARTS.filter((part) => dataset[part] !== undefined && dataset[part].count > 0);
  const groups = findDuplicates(dataset);
  const images = Object.fromEntries(parts.map((part) => [part, dataset[part]!.count]));
  const counts = Object.fromEntries(
    parts.map((part) => [part, countLabels(dataset[part]!, dataset.labels.length)]),
  );
  return {
    dataset: dataset.name,
    ...(dataset.origin?.path === undefined ? {} : { path: dataset.origin.path }),
    imageSize: dataset.height,
    classes: dataset.labels.length,
    images,
    classCounts: dataset.labels.map((label, index) => ({
      label,
      ...Object.fromEntries(parts.map((part) => [part, counts[part]![index]!])),
    })),
    duplicates: {
      within: Object.fromEntries(parts.map((part) => [part, countWithin(groups, part)])),
      across: parts.flatMap((split, i) =>
        parts.slice(0, i).map((earlier) => ({ split, in: earlier, ...countAcross(groups, split, earlier) })),
      ),
      groups: groups.map((group) => ({
        conflicting: new Set(group.map(({ label }) => label)).size > 1,
        images: group.map((place) => describe(dataset, place)),
      })),
    },
    odd: parts.flatMap((part) => oddImages(dataset, part)),
    broken: [...found.broken],
    notes: [...found.notes],
  };
}

function countLabels({ labels }: ImageSplit, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
}

function countWithin(groups: readonly DuplicateGroup[], part: Part): { images: number; conflicting: number } {
  let images = 0;
  let conflicting = 0;
  for (const group of groups) {
    const [first, ...more] = group.filter(({ split }) => split === part);
    images += more.length;
    conflicting += more.filter(({ label }) => label !== first!.label).length;
  }
  return { images, conflicting };
}

function countAcross(
  groups: readonly DuplicateGroup[],
  split: Part,
  earlier: Part,
): { images: number; conflicting: number } {
  let images = 0;
  let conflicting = 0;
  for (const group of groups) {
    const labels = new Set(group.filter((place) => place.split === earlier).map(({ label }) => label));
    if (labels.size === 0) continue;
    const later = group.filter((place) => place.split === split);
    images += later.length;
    conflicting += later.filter(({ label }) => !labels.has(label)).length;
  }
  return { images, conflicting };
}

function describe(dataset: ImageDataset, { split, index, label }: ImagePlace): ReportedImage {
  const file = dataset[split]?.files?.[index]?.file;
  return { split, index, label: dataset.labels[label]!, ...(file === undefined ? {} : { file }) };
}

/** Grey levels that count as all black, or all white. */
const DARK = 4;
const LIGHT = 251;
/** Of an image this much wider than tall, or taller than wide, the square that is taken is the lesser part. */
const CUT_OFF = 2;

function oddImages(dataset: ImageDataset, part: Part): DatasetReport['odd'] {
  const { images, count, labels, files } = dataset[part]!;
  const bytes = images.length / count;
  const plane = bytes / dataset.channels;
  const odd: DatasetReport['odd'] = [];
  for (let index = 0; index < count; index++) {
    const note = (what: Oddity) =>
      odd.push({ ...describe(dataset, { split: part, index, label: labels[index]! }), what });
    let [lowest, highest] = [255, 0];
    let flat = true;
    for (let channel = 0; channel < dataset.channels; channel++) {
      const start = index * bytes + channel * plane;
      const first = images[start]!;
      for (let at = start; at < start + plane; at++) {
        const value = images[at]!;
        if (value !== first) flat = false;
        if (value < lowest) lowest = value;
        if (value > highest) highest = value;
      }
    }
    if (flat) note('one colour');
    else if (highest <= DARK) note('almost black');
    else if (lowest >= LIGHT) note('almost white');
    const { width, height } = files?.[index] ?? { width: dataset.width, height: dataset.height };
    if (Math.min(width, height) < dataset.height) note('enlarged');
    if (Math.max(width, height) > CUT_OFF * Math.min(width, height)) note('mostly cut off');
  }
  return odd;
}

/** How many of a kind the text lists; the JSON has all. */
const SHOWN = 20;

/** The report for people. */
export function reportLines(report: DatasetReport): string[] {
  const parts = PARTS.filter((part) => report.images[part] !== undefined);
  const { within, across, groups } = report.duplicates;
  const lines = [
    `${report.dataset}${report.path === undefined ? '' : ` in ${report.path}`}: ${report.classes} classes, ` +
      `${parts.map((part) => `${report.images[part]} ${part}`).join(', ')} images of ${report.imageSize} x ${report.imageSize}`,
    ...parts.map((part) => classCountLine(report, part)),
    `exact duplicates (the same pixels at ${report.imageSize} x ${report.imageSize})`,
    ...parts.map((part) => {
      const { images, conflicting } = within[part]!;
      return `  within ${part}: ${images}${images === 0 ? '' : `, ${conflicting} with another label`}`;
    }),
    ...across.map(
      ({ split, in: earlier, images, conflicting }) =>
        `  ${split} images that stand in ${earlier}: ${images}${images === 0 ? '' : `, ${conflicting} under another label`}`,
    ),
    ...groups.slice(0, SHOWN).map(({ images, conflicting }) => {
      const places = images.map((image) => `${placeOf(image)} (${image.label})`).join(' = ');
      return `    ${places}${conflicting ? '  <- labels differ' : ''}`;
    }),
    ...moreLine(groups.length),
  ];
  const kinds = [...new Set(report.odd.map(({ what }) => what))];
  if (kinds.length === 0) lines.push('odd images: none');
  for (const kind of kinds) {
    const images = report.odd.filter(({ what }) => what === kind);
    lines.push(`odd images, ${kind}: ${images.length}`);
    lines.push(...images.slice(0, SHOWN).map((image) => `    ${placeOf(image)} (${image.label})`));
    lines.push(...moreLine(images.length));
  }
  lines.push(`files that cannot be read: ${report.broken.length === 0 ? 'none' : report.broken.length}`);
  lines.push(
    ...report.broken.slice(0, SHOWN).map((line) => `    ${line}`),
    ...moreLine(report.broken.length),
  );
  return [...lines, ...report.notes];
}

function classCountLine({ classCounts }: DatasetReport, part: Part): string {
  const counts = classCounts.map((entry) => entry[part]!);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const name = (count: number) => classCounts.find((entry) => entry[part] === count)!.label;
  return least === most
    ? `  ${part}: ${least} images of each class`
    : `  ${part}: from ${least} (${name(least)}) to ${most} (${name(most)}) images of a class`;
}

function placeOf({ split, index, file }: ReportedImage): string {
  return file ?? `${split} ${index}`;
}

function moreLine(count: number): string[] {
  return count > SHOWN ? [`    and ${count - SHOWN} more (--json has all)`] : [];
}
