import sharp, { type PngOptions } from 'sharp';
import { type LineChart, renderLineChart } from './line-chart.ts';

/** Pixels of the image to one of the chart. */
const SCALE = 2;
/** At this density librsvg draws one pixel to one of the chart. */
const CSS_DENSITY = 72;

/**
 * Draws a line chart as a PNG, on light ground.
 * @returns undefined where the machine has no font: a chart without its words would mislead
 */
export async function renderLineChartPng(chart: LineChart): Promise<Uint8Array | undefined> {
  if (!(await canDrawText())) return undefined;
  // As small as with the slowest settings, in a quarter of the time: it is done after every epoch.
  const png = { palette: true, effort: 1, dither: 0, compressionLevel: 6 };
  return rasterize(renderLineChart(chart, { theme: 'light' }), png);
}

/** An SVG as a PNG of twice its size. */
export function rasterize(svg: string, png: PngOptions): Promise<Uint8Array> {
  return sharp(Buffer.from(svg), { density: SCALE * CSS_DENSITY })
    .png(png)
    .toBuffer();
}

let textWorks: Promise<boolean> | undefined;

/** Whether there is a font. Slim containers have none; librsvg then draws nothing, or the same box for all. */
export function canDrawText(): Promise<boolean> {
  textWorks ??= Promise.all(['1', '8'].map(drawProbe)).then(
    ([one, eight]) => eight!.some((value) => value > 0) && !one!.equals(eight!),
  );
  return textWorks;
}

function drawProbe(text: string): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24"><text x="4" y="20" font-family="sans-serif" font-size="20">${text}</text></svg>`;
  return sharp(Buffer.from(svg)).extractChannel('alpha').raw().toBuffer();
}
