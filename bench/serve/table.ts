import { markdownTable } from '../report/markdown-table.ts';
import { percent, ratio, threeDigits } from '../report/numbers.ts';
import { median } from '../statistics.ts';
import type { Measurement, ServeComparison } from './measure.ts';

/** A comparison as headed Markdown tables: medians of the turns, ratios of the same turn each. */
export function serveTable(comparison: ServeComparison): string {
  const { model, batch, images, throughput, latency, eventLoopP99 } = comparison;
  return [
    `### ${model}: ${images} images a turn, ${batch} in a request with several\n`,
    table(throughput, 'throughput', 'images/s'),
    '',
    table(latency, 'one image at a time', 'p50 ms'),
    `\nEvent loop delay under the load of single images, p99: ${median(eventLoopP99).toFixed(1)} ms.\n`,
  ].join('\n');
}

function table(lines: readonly Measurement[], what: string, unit: string): string {
  const head = [what, unit, 'to onnxruntime', 'CPU ms an image', 'load generator CPU ms', 'its share'];
  const base = lines[0]!;
  const rows = lines.map(({ name, turns, cpu, clientCpu }) => {
    const [own, client] = [median(cpu), median(clientCpu)];
    const known = Number.isFinite(own);
    return [
      name,
      threeDigits(median(turns)),
      ratio(median(turns.map((value, i) => value / base.turns[i]!))),
      known ? threeDigits(own) : '-',
      client === 0 ? '-' : threeDigits(client),
      client === 0 || !known ? '-' : percent(client / (own + client)),
    ];
  });
  return markdownTable(head, rows);
}
