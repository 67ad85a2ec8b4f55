import type { ImageDataset } from '../data/dataset.ts';
import type { ConfusionMatrix } from '../metrics/confusion-matrix.ts';
import { type Rgb, rampColor } from './color-ramp.ts';
import { escapeXml } from './xml.ts';

const FONT = "'Liberation Sans', Arial, Helvetica, sans-serif";
const TEXT = '#1f2328';
const MUTED = '#59636e';
const GRID = '#d8dde3';
const GROUP_OUTLINE = '#d55e00';
/** Widths of a character on average, relative to the font size. */
const CHARACTER = 0.53;
const BOLD = 0.58;
/** In smaller cells a count is not written; it shows on hovering. */
const LEAST_WRITTEN = 24;
const MARGIN = 24;
const TITLE_HEIGHT = 62;
const LEGEND_HEIGHT = 108;
const GROUP_FONT = 11;
const LEGEND_WIDTH = 420;
/** Room for the accuracies right of the rows. */
const ACCURACY_WIDTH = 40;
const LEGEND_TICKS = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1];

interface Layout {
  groups: readonly ClassGroup[];
  /** Class indices in the order they are drawn. */
  order: readonly number[];
  cell: number;
  font: number;
  /** Where the matrix starts. */
  left: number;
  top: number;
  /** Width and height of the matrix. */
  size: number;
  /** Room for the class names. */
  names: number;
}

/**
 * Draws a confusion matrix as an SVG heat map: a row a true class, a column a prediction, the colour the share
 * of the row's images; classes grouped by superclass, each row's accuracy at its right, a legend below.
 * Counts are written where there is room, and show on hovering. Pure: the same in Node and in a browser.
 */
export function confusionSvg(
  matrix: ConfusionMatrix,
  dataset: Pick<ImageDataset, 'labels' | 'superclasses'>,
  title: { heading: string; detail: string },
): string {
  const layout = layOut(dataset);
  const { left, top, size } = layout;
  const labels = dataset.labels.map(readable);
  // A title is wider than the matrix of a few classes.
  const titles = Math.max(title.heading.length * 20 * BOLD, title.detail.length * 13 * CHARACTER);
  const matrixWidth = left + Math.max(size + ACCURACY_WIDTH, LEGEND_WIDTH);
  const width = Math.ceil(Math.max(matrixWidth, MARGIN + titles) + MARGIN);
  const height = top + size + LEGEND_HEIGHT + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT}" fill="${TEXT}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(MARGIN, MARGIN + 18, title.heading, 'font-size="20" font-weight="bold"'),
    text(MARGIN, MARGIN + 38, title.detail, `font-size="13" fill="${MUTED}"`),
    `<g transform="translate(${left} ${top})">`,
    cells(matrix, layout, labels),
    grid(layout),
    classNames(layout, labels),
    groupNames(layout),
    accuracies(matrix, layout),
    `</g>`,
    axisTitles(layout),
    legend(left, top + size + 28, dataset.superclasses !== undefined),
    '</svg>\n',
  ].join('\n');
}

function layOut(dataset: Pick<ImageDataset, 'labels' | 'superclasses'>): Layout {
  const groups = classGroups(dataset);
  const order = groups.flatMap(({ classes }) => classes);
  const cell = Math.round(Math.min(48, Math.max(10, 1000 / order.length)));
  const font = Math.min(13, cell * 0.92);
  const names = widest(dataset.labels) * font * CHARACTER + 10;
  const grouped = groups.flatMap(({ name }) => name ?? []);
  const groupWidth = grouped.length === 0 ? 0 : widest(grouped) * GROUP_FONT * CHARACTER + 10;
  const room = Math.ceil(names + groupWidth + 26);
  const size = cell * order.length;
  return { groups, order, cell, font, left: MARGIN + room, top: MARGIN + TITLE_HEIGHT + room, size, names };
}

function widest(names: readonly string[]): number {
  return Math.max(...names.map((name) => name.length));
}

function cells(matrix: ConfusionMatrix, { order, cell }: Layout, labels: readonly string[]): string {
  const rows = order.map((label, row) => {
    const images = matrix.images(label);
    const drawn = order.map((predicted, column) => {
      const count = matrix.at(label, predicted);
      if (count === 0) return '';
      const what = `${labels[label]}${label === predicted ? ' recognised' : ` taken for ${labels[predicted]}`}: ${count} of ${images}`;
      const position = scalePosition(count / images);
      const rect = `<rect x="${column * cell}" width="${cell}" height="${cell}" fill="${scaleColor(position)}"><title>${escapeXml(what)}</title></rect>`;
      if (cell < LEAST_WRITTEN) return rect;
      const size = Math.min(13, (cell - 6) / (String(count).length * CHARACTER));
      const style = `font-size="${round(size)}" text-anchor="middle" pointer-events="none"${position > 0.5 ? ' fill="#ffffff"' : ''}`;
      return rect + text(round((column + 0.5) * cell), round(cell / 2 + size * 0.35), String(count), style);
    });
    return `<g transform="translate(0 ${row * cell})">${drawn.join('')}</g>`;
  });
  return `<g shape-rendering="crispEdges">${rows.join('\n')}</g>`;
}

function grid({ groups, cell, size }: Layout): string {
  const lines: string[] = [];
  const outlines: string[] = [];
  let start = 0;
  for (const { classes, name } of groups) {
    const at = start * cell;
    const length = classes.length * cell;
    if (start > 0) lines.push(`M${at} 0V${size}M0 ${at}H${size}`);
    if (name !== undefined) {
      outlines.push(`<rect x="${at}" y="${at}" width="${length}" height="${length}"/>`);
    }
    start += classes.length;
  }
  return [
    `<path d="${lines.join('')}" stroke="${GRID}" fill="none"/>`,
    `<g fill="none" stroke="${GROUP_OUTLINE}" stroke-width="1.5">${outlines.join('')}</g>`,
    `<rect width="${size}" height="${size}" fill="none" stroke="${MUTED}"/>`,
  ].join('\n');
}

function classNames({ order, cell, font }: Layout, labels: readonly string[]): string {
  const baseline = (index: number) => round((index + 0.5) * cell + font * 0.35);
  const rows = order.map((label, i) => text(-5, baseline(i), labels[label]!));
  const columns = order.map((label, i) =>
    text(0, 0, labels[label]!, `transform="translate(${baseline(i)} -5) rotate(-90)"`),
  );
  return [
    `<g font-size="${round(font)}" text-anchor="end">${rows.join('')}</g>`,
    `<g font-size="${round(font)}">${columns.join('')}</g>`,
  ].join('\n');
}

function groupNames({ groups, cell, names }: Layout): string {
  const drawn: string[] = [];
  const brackets: string[] = [];
  let start = 0;
  for (const { name, classes } of groups) {
    if (name !== undefined) {
      const from = start * cell + 1.5;
      const to = (start + classes.length) * cell - 1.5;
      const middle = round((from + to) / 2 + GROUP_FONT * 0.35);
      const at = -round(names);
      brackets.push(`M${at} ${from}V${to}M${from} ${at}H${to}`);
      drawn.push(text(at - 6, middle, readable(name), 'text-anchor="end"'));
      drawn.push(text(0, 0, readable(name), `transform="translate(${middle} ${at - 6}) rotate(-90)"`));
    }
    start += classes.length;
  }
  return [
    `<path d="${brackets.join('')}" stroke="${GROUP_OUTLINE}" stroke-width="1.5" fill="none"/>`,
    `<g font-size="${GROUP_FONT}" font-weight="bold">${drawn.join('')}</g>`,
  ].join('\n');
}

/** Each class's accuracy at the right of its row. */
function accuracies(matrix: ConfusionMatrix, { order, cell, font, size }: Layout): string {
  const drawn = order.map((label, row) => {
    const images = matrix.images(label);
    const share = images === 0 ? '-' : `${Math.round((100 * matrix.at(label, label)) / images)} %`;
    return text(size + ACCURACY_WIDTH - 6, round((row + 0.5) * cell + font * 0.35), share);
  });
  return `<g font-size="${round(font)}" text-anchor="end" fill="${MUTED}">${drawn.join('')}</g>`;
}

function axisTitles({ left, top, size }: Layout): string {
  const style = 'font-size="13" font-style="italic" text-anchor="middle"';
  const middle = round(top + size / 2);
  return [
    text(round(left + size / 2), MARGIN + TITLE_HEIGHT + 8, 'predicted class', style),
    text(0, 0, 'true class', `${style} transform="translate(${MARGIN + 4} ${middle}) rotate(-90)"`),
  ].join('\n');
}

function legend(left: number, top: number, grouped: boolean): string {
  const steps = 60;
  const bar = Array.from({ length: steps }, (_, i) => {
    const x = round((i / steps) * LEGEND_WIDTH);
    const color = scaleColor((i + 0.5) / steps);
    return `<rect x="${x}" width="${round(LEGEND_WIDTH / steps + 0.5)}" height="14" fill="${color}"/>`;
  });
  const ticks = LEGEND_TICKS.map((fraction) => {
    const x = round(scalePosition(fraction) * LEGEND_WIDTH);
    return `<path d="M${x} 14v4" stroke="${MUTED}"/>${text(x, 30, `${fraction * 100} %`, 'text-anchor="middle"')}`;
  });
  const notes = [
    text(0, 50, "share of the true class's images; a row adds up to 100 %", `fill="${MUTED}"`),
    text(0, 67, 'right of a row: how many of the class are recognised', `fill="${MUTED}"`),
  ];
  if (grouped) {
    const swatch = `<rect x="0.5" y="75.5" width="11" height="11" fill="none" stroke="${GROUP_OUTLINE}" stroke-width="1.5"/>`;
    notes.push(
      swatch,
      text(18, 84, 'superclass: a confusion inside is with a similar class', `fill="${MUTED}"`),
    );
  }
  return [
    `<g transform="translate(${left} ${top})" font-size="11">`,
    bar.join(''),
    `<rect width="${LEGEND_WIDTH}" height="14" fill="none" stroke="${MUTED}"/>`,
    ticks.join(''),
    notes.join(''),
    '</g>',
  ].join('\n');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x}" y="${y}"${attributes === '' ? '' : ` ${attributes}`}>${escapeXml(content)}</text>`;
}

/** `maple_tree` as `maple tree`. */
function readable(name: string): string {
  return name.replaceAll('_', ' ');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Classes that stand together in a picture. */
interface ClassGroup {
  /** The superclass; undefined where the dataset has none. */
  name: string | undefined;
  /** Class indices. */
  classes: number[];
}

/** The classes by superclass, those of a superclass by index; one group without superclasses. */
export function classGroups(dataset: Pick<ImageDataset, 'labels' | 'superclasses'>): ClassGroup[] {
  const indices = dataset.labels.map((_, index) => index);
  const { superclasses } = dataset;
  if (!superclasses) return [{ name: undefined, classes: indices }];
  return superclasses.names
    .map((name, group) => ({
      name,
      classes: indices.filter((index) => superclasses.ofClass[index] === group),
    }))
    .filter(({ classes }) => classes.length > 0);
}

/** From white to near black through blue: the lightness falls evenly, so it reads in grey print too. */
const STOPS: readonly Rgb[] = [
  [255, 255, 255],
  [208, 226, 243],
  [134, 186, 220],
  [50, 130, 190],
  [9, 74, 146],
  [7, 30, 75],
];

/**
 * Where a fraction stands on the scale, from 0 to 1. The square root spreads the few per cent that single
 * confusions have, which would all look white.
 */
export function scalePosition(fraction: number): number {
  return Math.sqrt(Math.min(1, Math.max(0, fraction)));
}

/** The colour of a position on the scale, as `#rrggbb`. */
export function scaleColor(position: number): string {
  const channels = rampColor(STOPS, position);
  return `#${channels.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
