import { runHasFewClasses } from '../../core/metrics/few-classes.ts';
import { DARK, LIGHT, renderLineChart } from '../../core/plot/line-chart.ts';
import { escapeXml, pageHead } from '../../core/plot/xml.ts';
import { comparisonCharts } from './charts.ts';
import { type ComparisonRow, compareRuns, measuredOnOthers, shortNames } from './compare.ts';
import type { RunRecord } from './read-run.ts';

/** A comparison as one HTML page that needs nothing beside it: tables, and charts of all runs together. */
export function comparisonPage(runs: readonly RunRecord[], options: { logLoss?: boolean } = {}): string {
  const names = runs.map(({ name }) => name);
  const short = shortNames(names);
  const { config, results } = compareRuns(runs);
  const others = measuredOnOthers(runs);
  const named = runs.map(({ epochs }, run) => ({ name: short[run]!, epochs }));
  const { top5, ...withoutTop5 } = comparisonCharts(named, options);
  const isFew = runs.every(({ config }) => runHasFewClasses(config));
  const charts = Object.values(isFew ? withoutTop5 : { ...withoutTop5, top5 }).map(
    (chart) => `<figure>${renderLineChart({ ...chart, width: 640, height: 380 }, { inline: true })}</figure>`,
  );
  const title = `Comparison of ${names.length} training runs`;
  return `${pageHead({ title, style: STYLE })}
<body>
<main>
<h1>${title}</h1>
<div class="tables">
${table('Results', names, short, results)}
${config.length > 0 ? table('What differs in their configs', names, short, config) : '<p>The configs are the same.</p>'}
</div>
${others === undefined ? '' : `<p>${escapeXml(others)}</p>`}
<section aria-label="Curves" class="charts">
${charts.join('\n')}
</section>
<details>
<summary>All epochs as tables</summary>
${runs.map(epochTable).join('\n')}
</details>
</main>
</body>
</html>
`;
}

function table(
  caption: string,
  names: readonly string[],
  short: readonly string[],
  rows: readonly ComparisonRow[],
): string {
  const titles = names.map(
    (name, run) => `<th scope="col" title="${escapeXml(name)}">${escapeXml(short[run]!)}</th>`,
  );
  const head = `<td></td>${titles.join('')}`;
  const body = rows.map(({ name, values }) => tableRow(name, values)).join('\n');
  return scrollable(caption, head, body);
}

function epochTable({ name, epochs, config }: RunRecord): string {
  const isFew = runHasFewClasses(config);
  const on = epochs.at(-1)?.evaluatedOn ?? 'test';
  const columns = [
    'epoch',
    'learning rate',
    'training loss',
    `${on} loss`,
    'training top-1, %',
    `${on} top-1, %`,
    ...(isFew ? [] : [`${on} top-5, %`]),
    'images/s',
  ];
  const head = columns.map((column) => `<th scope="col">${column}</th>`).join('');
  const body = epochs.map((entry) =>
    tableRow(String(entry.epoch + 1), [
      number(entry.learningRate, 6),
      number(entry.trainLoss, 4),
      number(entry.testLoss, 4),
      number(100 * entry.trainTop1, 2),
      number(100 * entry.testTop1, 2),
      ...(isFew ? [] : [number(100 * entry.testTop5, 2)]),
      number(entry.imagesPerSecond, 0),
    ]),
  );
  return scrollable(name, head, body.join('\n'));
}

function tableRow(name: string, values: readonly string[]): string {
  const cells = values.map((value) => `<td>${escapeXml(value)}</td>`).join('');
  return `<tr><th scope="row">${escapeXml(name)}</th>${cells}</tr>`;
}

/** A wide table scrolls by itself; it can be focused so that the keyboard can scroll it. */
function scrollable(caption: string, head: string, body: string): string {
  const label = escapeXml(caption);
  return `<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table>
<caption>${label}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}
</tbody>
</table></div>`;
}

function number(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

const STYLE = `
:root{color-scheme:light dark;--ground:#f3f5f7;--panel:${LIGHT.background};--text:${LIGHT.text};--muted:${LIGHT.muted};--line:${LIGHT.grid}}
@media (prefers-color-scheme:dark){:root{--ground:#0c0e11;--panel:${DARK.background};--text:${DARK.text};--muted:${DARK.muted};--line:${DARK.grid}}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
main{max-width:1360px;margin:0 auto;padding:24px 16px 48px}
h1{font-size:22px;margin:0 0 16px}
.scroll{overflow-x:auto;margin:0 0 16px;padding:12px 16px;background:var(--panel);border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding-bottom:6px}
th,td{padding:4px 16px 4px 0;text-align:right;white-space:nowrap;border-top:1px solid var(--line)}
thead th,thead td{border-top:0;color:var(--muted);font-weight:600}
th[scope=row]{text-align:left;font-weight:400;color:var(--muted)}
.charts,.tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:16px;margin:0 0 16px}
.tables th,.tables td{white-space:normal;overflow-wrap:anywhere;vertical-align:top}
.tables thead th,.tables td{min-width:5em}
.tables th[scope=row]{min-width:6em;overflow-wrap:normal}
.tables tr>:last-child{padding-right:0}
.tables{align-items:start}
.tables>*{margin:0;min-width:0}
figure{margin:0;border:1px solid var(--line);border-radius:8px;overflow:hidden;background:var(--panel)}
figure svg{display:block;height:auto}
summary{cursor:pointer;margin:0 0 12px}
:focus-visible{outline:2px solid ${LIGHT.series[0]};outline-offset:2px}
`;
