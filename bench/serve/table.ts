import { median } from '../statistics.ts';
import type { Measurement, ServeResults } from './measure.ts';

/** The results as Markdown: medians of the turns, and medians of the ratios within each turn. */
export function serveTable({
  model,
  batch,
  rounds,
  throughput,
  latency,
  eventLoopP99Ms,
}: ServeResults): string {
  const head = (what: string, unit: string): string =>
    `| ${what} | ${unit} | of onnxruntime alone |\n| --- | ---: | ---: |\n`;
  const rows = (measurements: Measurement[], digits: number): string =>
    measurements
      .map(
        ({ name, turns, ratios }) =>
          `| ${name} | ${median(turns).toFixed(digits)} | ${median(ratios).toFixed(2)} |\n`,
      )
      .join('');
  return [
    `${model}, ${rounds} turns each, batches of ${batch}; medians.\n`,
    head('throughput', 'images/s') + rows(throughput, 0),
    head('latency of one image, p50', 'ms') + rows(latency, 2),
    `Event loop delay under the load of single images, p99: ${median(eventLoopP99Ms).toFixed(1)} ms.\n`,
  ].join('\n');
}
