import { LIGHT } from '../../core/plot/line-chart.ts';
import { logAxis } from '../../core/plot/ticks.ts';
import { element, escapeXml } from '../../core/plot/xml.ts';

export interface RooflinePoint {
  name: string;
  /** Floating-point operations per byte moved between memory and cores, had each operator no cache. */
  intensity: number;
  gflops: number;
  /** Points of one kind have one colour. */
  kind: string;
}

export interface Roofline {
  title: string;
  /** Of a large matrix product, in GFLOPS. */
  peakGflops: number;
  /** Of memory, in GB/s. */
  bandwidth: number;
  points: readonly RooflinePoint[];
}

const WIDTH = 760;
const HEIGHT = 460;
const AREA = { left: 70, right: WIDTH - 30, top: 76, bottom: HEIGHT - 56 };

/**
 * Draws a roofline (Williams, Waterman and Patterson 2009, doi:10.1145/1498765.1498785): nothing runs faster
 * than the cores compute, nor than memory feeds them.
 */
export function renderRoofline({ title, peakGflops, bandwidth, points }: Roofline): string {
  const ridge = peakGflops / bandwidth;
  const xs = [...points.map(({ intensity }) => intensity), ridge];
  const ys = [...points.map(({ gflops }) => gflops), peakGflops];
  const x = logAxis(Math.min(...xs) / 2, Math.max(...xs) * 2);
  const y = logAxis(Math.min(...ys) / 2, peakGflops * 1.5);
  const place = (value: number, axis: { min: number; max: number }, from: number, to: number) =>
    from + (Math.log(value / axis.min) / Math.log(axis.max / axis.min)) * (to - from);
  const px = (value: number) => place(value, x, AREA.left, AREA.right);
  const py = (value: number) => place(value, y, AREA.bottom, AREA.top);
  const kinds = [...new Set(points.map(({ kind }) => kind))];
  const color = (kind: string) => LIGHT.series[kinds.indexOf(kind) % LIGHT.series.length]!;
  // The slope begins where it enters the picture.
  const start = Math.max(x.min, y.min / bandwidth);
  const roof = `M${px(start)} ${py(start * bandwidth)}L${px(ridge)} ${py(peakGflops)}H${AREA.right}`;
  const text = (at: { x: number; y: number; anchor?: string; size?: number; fill?: string }, value: string) =>
    element(
      'text',
      {
        x: at.x,
        y: at.y,
        'text-anchor': at.anchor,
        'font-size': at.size,
        fill: at.fill ?? LIGHT.text,
      },
      escapeXml(value),
    );
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      width: WIDTH,
      height: HEIGHT,
      role: 'img',
      'aria-label': title,
      'font-family': 'system-ui, sans-serif',
      'font-size': 12,
    },
    element('rect', { width: WIDTH, height: HEIGHT, rx: 6, fill: LIGHT.background }),
    text({ x: 16, y: 28, size: 16 }, title),
    ...kinds.map((kind, i) =>
      element(
        'g',
        {},
        element('circle', { cx: 24 + 190 * i, cy: 50, r: 5, fill: color(kind) }),
        text({ x: 36 + 190 * i, y: 54 }, kind),
      ),
    ),
    ...x.ticks.flatMap(({ value, label }) => [
      element('path', { d: `M${px(value)} ${AREA.top}V${AREA.bottom}`, stroke: LIGHT.grid }),
      text({ x: px(value), y: AREA.bottom + 18, anchor: 'middle', fill: LIGHT.muted }, label),
    ]),
    ...y.ticks.flatMap(({ value, label }) => [
      element('path', { d: `M${AREA.left} ${py(value)}H${AREA.right}`, stroke: LIGHT.grid }),
      text({ x: AREA.left - 8, y: py(value) + 4, anchor: 'end', fill: LIGHT.muted }, label),
    ]),
    text(
      { x: (AREA.left + AREA.right) / 2, y: HEIGHT - 14, anchor: 'middle', fill: LIGHT.muted },
      'operations per byte',
    ),
    text({ x: 16, y: AREA.top - 8, fill: LIGHT.muted }, 'GFLOPS'),
    element('path', { d: roof, fill: 'none', stroke: LIGHT.text, 'stroke-width': 2 }),
    text(
      { x: AREA.right - 4, y: py(peakGflops) - 6, anchor: 'end', fill: LIGHT.muted },
      `matrix product ${peakGflops.toFixed(0)} GFLOPS, memory ${bandwidth.toFixed(1)} GB/s`,
    ),
    ...points.map(({ name, intensity, gflops, kind }) =>
      element(
        'g',
        {},
        element('circle', { cx: px(intensity), cy: py(gflops), r: 5, fill: color(kind) }),
        text({ x: px(intensity) + 8, y: py(gflops) + 4 }, name),
      ),
    ),
  );
}
