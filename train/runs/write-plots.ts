import { join } from 'node:path';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { runHasFewClasses } from '../../core/metrics/few-classes.ts';
import { renderLineChart } from '../../core/plot/line-chart.ts';
import { renderLineChartPng } from '../../core/plot/png.ts';
import type { RunDirectory } from '../../core/runs/run-directory.ts';
import { runCharts } from './charts.ts';
import { parseEpochs } from './parse-epochs.ts';

/**
 * Draws a run's log into `plots/` of its directory: loss, top1, top5 and learning-rate, each as SVG and as
 * PNG (no PNG on a machine without fonts; no top5 of few classes).
 * @returns the files written
 */
export async function writePlots(run: RunDirectory): Promise<string[]> {
  const written: string[] = [];
  const { top5, ...charts } = runCharts(parseEpochs(await run.readLog()));
  const isFew = runHasFewClasses(await run.readConfig());
  for (const [name, chart] of Object.entries(isFew ? charts : { ...charts, top5 })) {
    const path = join(run.path, 'plots', name);
    await writeFileAtomic(`${path}.svg`, `${renderLineChart(chart)}\n`);
    written.push(`${path}.svg`);
    const png = await renderLineChartPng(chart);
    if (!png) continue;
    await writeFileAtomic(`${path}.png`, png);
    written.push(`${path}.png`);
  }
  return written;
}
