import { type Axis, linearAxis, logAxis } from './ticks.ts';
import { element, escapeXml, shorten } from './xml.ts';

/** The colours of a chart on light or on dark ground. */
interface Theme {
  background: string;
  text: string;
  muted: string;
  grid: string;
  series: readonly string[];
}

// After Okabe and Ito's palette, which people with any of the common colour deficiencies can tell apart;
// shades moved so that every line has a contrast of at least 3:1 with its ground (WCAG 1.4.11).
export const LIGHT: Theme = {
  background: '#ffffff',
  text: '#1f2328',
  muted: '#59636e',
  grid: '#d8dde3',
  series: ['#0072b2', '#d55e00', '#006644', '#862d70', '#664d00', '#222222'],
};

export const DARK: Theme = {
  background: '#15181d',
  text: '#e6e9ee',
  muted: '#9aa4b0',
  grid: '#333a44',
  series: ['#56b4e9', '#ff8a3d', '#44d5a4', '#c6538c', '#f5e389', '#ffffff'],
};

/** How many colours there are; a series beyond them repeats a colour with another dash pattern. */
const PALETTE_SIZE = LIGHT.series.length;

/** A line of a chart. Values that are not finite leave a gap. */
export interface ChartSeries {
  name: string;
  points: readonly ChartPoint[];
  /** Index into the palette; default: the series' place. */
  color?: number;
  dashed?: boolean;
  /** False keeps the series out of the legend. */
  legend?: boolean;
}

export interface ChartPoint {
  x: number;
  y: number;
}

export interface LineChart {
  title: string;
  series: readonly ChartSeries[];
  xLabel?: string;
  /** Ticks of the x axis at whole numbers only. */
  xIntegers?: boolean;
  yScale?: 'linear' | 'log';
  /** The y axis reaches at least down to this; without effect on a log scale if it is not positive. */
  yMin?: number;
  /** In CSS pixels; default 720 x 400. */
  width?: number;
  height?: number;
}

export interface RenderOptions {
  /** Default `auto`: light, and dark for a reader whose system is. */
  theme?: 'auto' | 'light' | 'dark';
  /** For a place inside an HTML page: no namespace, as wide as its container, values shown on hovering. */
  inline?: boolean;
}

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const TITLE_SIZE = 16;
const TITLE_LINE = 20;
const TEXT_SIZE = 12;
const LEGEND_ROW = 20;
const MARGIN = 16;
const DASHED = '5 4';
/** Dash patterns of the second, third, ... series of the same colour. */
const REPEATED_DASHES = ['10 3 2 3', '2 3', '12 4'];
/** Beyond this a coordinate computed from the value overflows; a curve has nothing to show there anyway. */
const LARGEST = 1e150;

/** Draws a line chart as SVG. Pure: the same in Node and in a browser. */
export function renderLineChart(chart: LineChart, options: RenderOptions = {}): string {
  const { theme = 'auto', inline = false } = options;
  const { width = 720, height = 400 } = chart;
  const colors = theme === 'dark' ? DARK : LIGHT;
  const log = chart.yScale === 'log';
  const lines = chart.series.map((series, index) => ({
    ...series,
    points: series.points.filter(({ x }) => drawable(x)),
    color: series.color ?? index,
  }));
  const points = lines.flatMap((line) => line.points).filter(({ y }) => drawable(y) && (!log || y > 0));

  const legend = layOutLegend(
    lines.filter((line) => line.legend !== false),
    width - 2 * MARGIN,
    TEXT_SIZE,
  );
  const title = wrapText(chart.title, width - 2 * MARGIN, TITLE_SIZE);
  const legendTop = MARGIN + title.length * TITLE_LINE + 10;
  const legendRows = (legend.at(-1)?.row ?? -1) + 1;
  const xAxis = axisOfX(chart, points, width);
  const yAxis = axisOfY(chart, points, log);
  const labelWidth = Math.max(...yAxis.ticks.map(({ label }) => textWidth(label, TEXT_SIZE)), 0);
  const area: Area = {
    left: MARGIN + labelWidth + 8,
    right: width - MARGIN,
    top: legendTop + legendRows * LEGEND_ROW + 6,
    bottom: height - MARGIN - TEXT_SIZE - 8 - (chart.xLabel ? TEXT_SIZE + 6 : 0),
  };
  const place: Place = {
    x: (value) => interpolate(value, xAxis.min, xAxis.max, area.left, area.right),
    y: log
      ? (value) =>
          interpolate(Math.log(value), Math.log(yAxis.min), Math.log(yAxis.max), area.bottom, area.top)
      : (value) => interpolate(value, yAxis.min, yAxis.max, area.bottom, area.top),
    shows: ({ y }) => drawable(y) && (!log || y > 0),
  };

  return element(
    'svg',
    {
      xmlns: inline ? undefined : 'http://www.w3.org/2000/svg',
      class: 'plot',
      viewBox: `0 0 ${width} ${height}`,
      width: inline ? '100%' : width,
      height: inline ? undefined : height,
      role: 'img',
      'aria-label': `${chart.title}: ${describe(lines, place)}`,
      'font-family': FONT,
      'font-size': TEXT_SIZE,
    },
    theme === 'auto' ? `<style>${darkRules()}</style>` : '',
    element('rect', { class: 'plot-ground', width, height, rx: 6, fill: colors.background }),
    ...title.map((line, row) =>
      element(
        'text',
        {
          class: 'plot-text',
          x: MARGIN,
          y: MARGIN + TITLE_SIZE - 2 + row * TITLE_LINE,
          fill: colors.text,
          'font-size': TITLE_SIZE,
          'font-weight': 600,
        },
        escapeXml(line),
      ),
    ),
    ...legend.map(({ item, text, x, row }) =>
      drawLegendEntry(item, text, MARGIN + x, legendTop + row * LEGEND_ROW + TEXT_SIZE / 2, colors),
    ),
    drawAxes(chart, xAxis, yAxis, area, place, colors),
    points.length === 0
      ? element(
          'text',
          {
            class: 'plot-muted',
            x: (area.left + area.right) / 2,
            y: (area.top + area.bottom) / 2,
            fill: colors.muted,
            'text-anchor': 'middle',
          },
          'no values yet',
        )
      : '',
    ...lines.map((line) => drawLine(line, place, colors)),
    inline ? lines.map((line) => drawHints(line, chart, place)).join('') : '',
  );
}

interface Area {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** From values to pixels. */
interface Place {
  x(value: number): number;
  y(value: number): number;
  shows(point: ChartPoint): boolean;
}

type Line = ChartSeries & { color: number };

function drawable(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) < LARGEST;
}

function interpolate(value: number, min: number, max: number, from: number, to: number): number {
  return from + ((value - min) / (max - min)) * (to - from);
}

function axisOfX(chart: LineChart, points: readonly ChartPoint[], width: number): Axis {
  const [min, max] = extent(points.map(({ x }) => x)) ?? [0, 1];
  // A single epoch stands in the middle, with its own tick only.
  const [low, high] = min === max && chart.xIntegers ? [min - 0.5, max + 0.5] : [min, max];
  return linearAxis(low, high, {
    count: Math.max(2, Math.floor(width / 80)),
    integers: chart.xIntegers ?? false,
    tight: true,
  });
}

function axisOfY(chart: LineChart, points: readonly ChartPoint[], log: boolean): Axis {
  const values = points.map(({ y }) => y);
  const limit = chart.yMin;
  if (limit !== undefined && values.length > 0 && (!log || limit > 0)) values.push(limit);
  const range = extent(values);
  if (log) return logAxis(...(range ?? [0.1, 1]));
  return linearAxis(...(range ?? [0, 1]));
}

function extent(values: readonly number[]): [number, number] | undefined {
  if (values.length === 0) return undefined;
  // Not Math.min(...values): a long series would overflow the stack.
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [values[0]!, values[0]!],
  );
}

function drawAxes(
  chart: LineChart,
  xAxis: Axis,
  yAxis: Axis,
  area: Area,
  place: Place,
  colors: Theme,
): string {
  const grid: string[] = [];
  const labels: string[] = [];
  for (const { value, label } of yAxis.ticks) {
    const y = place.y(value);
    grid.push(`M${shorten(area.left)} ${shorten(y)}H${shorten(area.right)}`);
    labels.push(
      element('text', { x: area.left - 8, y: y + TEXT_SIZE / 3, 'text-anchor': 'end' }, escapeXml(label)),
    );
  }
  for (const { value, label } of xAxis.ticks) {
    const x = place.x(value);
    grid.push(`M${shorten(x)} ${shorten(area.top)}V${shorten(area.bottom)}`);
    labels.push(
      element('text', { x, y: area.bottom + TEXT_SIZE + 6, 'text-anchor': 'middle' }, escapeXml(label)),
    );
  }
  if (chart.xLabel) {
    const x = (area.left + area.right) / 2;
    const y = area.bottom + 2 * TEXT_SIZE + 12;
    labels.push(element('text', { x, y, 'text-anchor': 'middle' }, escapeXml(chart.xLabel)));
  }
  return (
    element('path', { class: 'plot-grid', d: grid.join(''), stroke: colors.grid, fill: 'none' }) +
    element('path', {
      class: 'plot-axis',
      d: `M${shorten(area.left)} ${shorten(area.bottom)}H${shorten(area.right)}`,
      stroke: colors.muted,
      fill: 'none',
    }) +
    element('g', { class: 'plot-muted', fill: colors.muted }, ...labels)
  );
}

function drawLine(line: Line, place: Place, colors: Theme): string {
  const segments = segmentsOf(line.points, place);
  const path = segments
    .filter((segment) => segment.length > 1)
    .map(
      (segment) => `M${segment.map(({ x, y }) => `${shorten(place.x(x))} ${shorten(place.y(y))}`).join('L')}`,
    )
    .join('');
  // A point with gaps on both sides is no line; the last one shows where the curve stands.
  const dots = segments.filter((segment) => segment.length === 1).map((segment) => segment[0]!);
  const last = segments.at(-1)?.at(-1);
  if (last && !dots.includes(last)) dots.push(last);
  if (dots.length === 0) return '';
  return element(
    'g',
    { class: colorClass(line), color: colorOf(line, colors) },
    path === ''
      ? ''
      : element('path', {
          d: path,
          fill: 'none',
          stroke: 'currentColor',
          'stroke-width': line.dashed ? 1.5 : 2,
          'stroke-linejoin': 'round',
          'stroke-linecap': 'round',
          'stroke-dasharray': dashOf(line),
        }),
    ...dots.map(({ x, y }) =>
      element('circle', { cx: place.x(x), cy: place.y(y), r: 3, fill: 'currentColor' }),
    ),
  );
}

/** Unseen circles whose tooltips say the values. */
function drawHints(line: Line, chart: LineChart, place: Place): string {
  const hints = line.points
    .filter(place.shows)
    .map(({ x, y }) =>
      element(
        'circle',
        { cx: place.x(x), cy: place.y(y), r: 7 },
        element(
          'title',
          {},
          escapeXml(`${line.name}\n${chart.xLabel ?? 'x'} ${x}: ${Number(y.toPrecision(5))}`),
        ),
      ),
    );
  return hints.length === 0 ? '' : element('g', { 'fill-opacity': 0 }, ...hints);
}

function drawLegendEntry(line: Line, text: string, x: number, y: number, colors: Theme): string {
  return (
    element('path', {
      class: colorClass(line),
      color: colorOf(line, colors),
      d: `M${shorten(x)} ${shorten(y)}h${SWATCH}`,
      stroke: 'currentColor',
      'stroke-width': 2.5,
      'stroke-dasharray': dashOf(line),
    }) +
    element(
      'text',
      { class: 'plot-text', x: x + SWATCH + SWATCH_GAP, y: y + TEXT_SIZE / 3, fill: colors.text },
      escapeXml(text),
      text === line.name ? '' : element('title', {}, escapeXml(line.name)),
    )
  );
}

/** The runs of points without a gap. */
function segmentsOf(points: readonly ChartPoint[], place: Place): ChartPoint[][] {
  const segments: ChartPoint[][] = [];
  let open: ChartPoint[] | undefined;
  for (const point of points) {
    if (!place.shows(point)) {
      open = undefined;
      continue;
    }
    if (!open) {
      open = [];
      segments.push(open);
    }
    open.push(point);
  }
  return segments;
}

/** What a screen reader says of the chart. */
function describe(lines: readonly Line[], place: Place): string {
  const parts = lines.flatMap((line) => {
    const shown = line.points.filter(place.shows);
    if (shown.length === 0) return [];
    const [first, last] = [shown[0]!.y, shown.at(-1)!.y].map((value) => Number(value.toPrecision(3)));
    return [shown.length === 1 ? `${line.name} ${first}` : `${line.name} from ${first} to ${last}`];
  });
  return parts.length === 0 ? 'no values yet' : parts.join(', ');
}

function dashOf(line: Line): string | undefined {
  if (line.dashed) return DASHED;
  const round = Math.floor(line.color / PALETTE_SIZE);
  return round === 0 ? undefined : REPEATED_DASHES[(round - 1) % REPEATED_DASHES.length];
}

function colorOf(line: Line, colors: Theme): string {
  return colors.series[line.color % PALETTE_SIZE]!;
}

function colorClass(line: Line): string {
  return `plot-s${line.color % PALETTE_SIZE}`;
}

/** The light colours are attributes, which any renderer knows; a style sheet outranks them on a dark system. */
function darkRules(): string {
  const rules = [
    `.plot-ground{fill:${DARK.background}}`,
    `.plot-text{fill:${DARK.text}}`,
    `.plot-muted{fill:${DARK.muted}}`,
    `.plot-grid{stroke:${DARK.grid}}`,
    `.plot-axis{stroke:${DARK.muted}}`,
    ...DARK.series.map((color, index) => `.plot-s${index}{color:${color}}`),
  ];
  return `@media (prefers-color-scheme:dark){${rules.join('')}}`;
}

/** Where a legend's entry stands, relative to the legend's top left. */
interface LegendEntry<T> {
  item: T;
  /** What fits, with an ellipsis if it is not the whole name. */
  text: string;
  x: number;
  row: number;
}

/** Width of the line drawn before a name, and the space after it. */
const SWATCH = 22;
const SWATCH_GAP = 6;
const ENTRY_GAP = 18;

/** Sets the entries in rows no wider than `width`. */
function layOutLegend<T extends { name: string }>(
  items: readonly T[],
  width: number,
  fontSize: number,
): LegendEntry<T>[] {
  const entries: LegendEntry<T>[] = [];
  let x = 0;
  let row = 0;
  for (const item of items) {
    const text = shortenText(item.name, width - SWATCH - SWATCH_GAP, fontSize);
    const entryWidth = SWATCH + SWATCH_GAP + textWidth(text, fontSize);
    if (x > 0 && x + entryWidth > width) {
      x = 0;
      row++;
    }
    entries.push({ item, text, x, row });
    x += entryWidth + ENTRY_GAP;
  }
  return entries;
}

/** Cuts a text to a width, in the middle: names of runs often differ at their ends. */
function shortenText(text: string, width: number, fontSize: number): string {
  if (textWidth(text, fontSize) <= width) return text;
  const characters = [...text];
  let kept = characters.length - 1;
  const cut = () =>
    `${characters.slice(0, Math.ceil(kept / 2)).join('')}…${characters.slice(characters.length - Math.floor(kept / 2)).join('')}`;
  while (kept > 1 && textWidth(cut(), fontSize) > width) kept--;
  return cut();
}

/** A text in lines no wider than `width`, between words; a longer word is cut in its middle. */
function wrapText(text: string, width: number, fontSize: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && textWidth(longer, fontSize) <= width) lines[lines.length - 1] = longer;
    else lines.push(shortenText(word, width, fontSize));
  }
  return lines;
}

/** About how wide a text is; the font is the reader's, so it can only be guessed, and is guessed wide. */
function textWidth(text: string, fontSize: number): number {
  let units = 0;
  for (const character of text) {
    // East Asian characters and emoji fill a square.
    units += character.codePointAt(0)! >= 0x2e80 ? 1 : /[A-Z%@mwMW_]/.test(character) ? 0.78 : 0.55;
  }
  return units * fontSize;
}
