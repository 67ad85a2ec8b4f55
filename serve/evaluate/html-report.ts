import { formatPercent } from '../../core/cli/format.ts';
import type { ImageDataset } from '../../core/data/dataset.ts';
import { fileName } from '../../core/data/split.ts';
import { classReports } from '../../core/metrics/class-report.ts';
import { fewClasses } from '../../core/metrics/few-classes.ts';
import { confusionSvg } from '../../core/plot/confusion-svg.ts';
import { escapeXml } from '../../core/plot/xml.ts';
import { encodePng } from './client.ts';
import type { EvaluationDetails, Mistake, ServerEvaluation } from './evaluate-server.ts';

type ReportedDataset = Pick<ImageDataset, 'name' | 'labels' | 'superclasses' | 'height' | 'width' | 'test'>;

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1f2328;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.5rem}table{border-collapse:collapse}
td,th{padding:.2rem .9rem .2rem 0;text-align:left;border-bottom:1px solid #d8dde3}td.n,th.n{text-align:right}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:1rem}
figure{margin:0}figure img{width:6rem;height:6rem;image-rendering:pixelated;display:block;border:1px solid #d8dde3}
figcaption{font-size:.85rem}.wrong{color:#b42318}.right{color:#1a7f37}svg{max-width:100%;height:auto}`;

/** One page with all of an evaluation, pictures included; it loads nothing. */
export async function htmlReport(
  result: ServerEvaluation & EvaluationDetails,
  dataset: ReportedDataset,
): Promise<string> {
  const { matrix, mistakes } = result;
  const title = `${result.model}@${result.version} on ${dataset.name}`;
  const svg = confusionSvg(matrix, dataset, {
    heading: title,
    detail: `${result.images} test images through the server: top-1 ${formatPercent(result.top1)}${fewClasses(dataset.labels) ? '' : `, top-5 ${formatPercent(result.top5)}`}`,
  });
  const figures = await Promise.all(mistakes.map((mistake) => figure(mistake, dataset)));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeXml(title)}</h1>
${summaryTable(result, fewClasses(dataset.labels))}
<h2>What is taken for what</h2>
${svg}
<h2>The surest mistakes</h2>
<div class="grid">
${figures.join('\n')}
</div>
<h2>Each class, the worst first</h2>
${classTable(result, dataset)}
</body>
</html>
`;
}

function summaryTable(result: ServerEvaluation, isFew: boolean): string {
  const { latencyMs } = result;
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const rows: (readonly [string, string])[] = [
    ['top-1', `${formatPercent(result.top1)} (${result.top1Correct} of ${result.images})`],
    ...(isFew
      ? []
      : [['top-5', `${formatPercent(result.top5)} (${result.top5Correct} of ${result.images})`] as const]),
    ...withoutDuplicates(result, isFew),
    ['throughput', `${result.imagesPerSecond.toFixed(1)} images/s for ${result.seconds.toFixed(1)} s`],
    [
      `latency of a request of ${result.batchSize} images, ${result.concurrency} at a time`,
      `p50 ${ms(latencyMs.p50)}, p90 ${ms(latencyMs.p90)}, p99 ${ms(latencyMs.p99)}, longest ${ms(latencyMs.max)}`,
    ],
    ['requests sent again', String(result.retries)],
  ];
  return `<table>\n${rows.map(([name, value]) => `<tr><th>${name}</th><td>${value}</td></tr>`).join('\n')}\n</table>`;
}

function withoutDuplicates(
  { withoutDuplicates: others }: ServerEvaluation,
  isFew: boolean,
): [string, string][] {
  if (!others) return [];
  const text = `${formatPercent(others.top1)} top-1${isFew ? '' : `, ${formatPercent(others.top5)} top-5`} on ${others.images}`;
  return [[`without the ${others.leftOut} test images that stand in the training set`, text]];
}

async function figure({ image, label, predictions }: Mistake, dataset: ReportedDataset): Promise<string> {
  const png = Buffer.from(await encodePng(dataset.test, image, dataset)).toString('base64');
  const [best] = predictions;
  const own = predictions.find(({ index }) => index === label);
  const name = (index: number): string => escapeXml(dataset.labels[index]!);
  const ownText = own ? ` (${formatPercent(own.probability)})` : '';
  return (
    `<figure><img alt="test image ${image}" src="data:image/png;base64,${png}"><figcaption>` +
    `<span class="wrong">${name(best!.index)} ${formatPercent(best!.probability)}</span><br>` +
    `<span class="right">${name(label)}${ownText}</span><br>${escapeXml(fileName(dataset.test, image) ?? `image ${image}`)}</figcaption></figure>`
  );
}

function classTable({ matrix }: EvaluationDetails, dataset: ReportedDataset): string {
  const rows = classReports(matrix, dataset.labels)
    .filter(({ images }) => images > 0)
    .sort((a, b) => a.accuracy - b.accuracy || a.index - b.index)
    .map(({ name, images, correct, accuracy, confusedWith }) => {
      const others = confusedWith.map((other) => `${other.name} ${other.images}`).join(', ');
      return `<tr><td>${escapeXml(name)}</td><td class="n">${correct} of ${images}</td><td class="n">${formatPercent(accuracy)}</td><td>${escapeXml(others)}</td></tr>`;
    });
  return `<table>\n<tr><th>class</th><th class="n">right</th><th class="n">recall</th><th>taken for</th></tr>\n${rows.join('\n')}\n</table>`;
}
