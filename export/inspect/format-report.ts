import { formatPercent } from '../../core/cli/format.ts';
import { printable } from '../../core/cli/printable.ts';
import { textTable } from '../../core/cli/text-table.ts';
import type { ValueInfo } from '../../core/onnx/graph.ts';
import { formatDims } from '../../core/onnx/operators/operator.ts';
import { sparkline } from '../../core/plot/sparkline.ts';
import type { InspectReport, WeightReport } from './inspect-model.ts';

/** Names as long as this are cut in the middle: their ends tell them apart. */
const MAX_NAME = 44;
/** Longer metadata, such as lists of labels, is cut. */
const MAX_VALUE = 100;

/** A report as text for the terminal. */
export function formatReport(report: InspectReport): string {
  return [
    summary(report),
    section(
      'layers, by shape for a batch of the size tried, time of each by itself (not fused)',
      layers(report),
    ),
    section('weights', weights(report.weights)),
    ...(report.timeByOperator.length > 0
      ? [section('time by operator, as onnxruntime runs the graph after fusing', times(report))]
      : []),
  ].join('\n\n');
}

function section(title: string, lines: readonly string[]): string {
  return `${title}\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** What is said of a model as a whole: a name and a value each. */
export function summaryRows(report: InspectReport): [string, string][] {
  const { parameters, initializerBytes, macs, notCounted, problem } = report;
  const opsets = Object.entries(report.opsets).map(([domain, version]) => `${domain} ${version}`);
  const cost = `${formatCount(macs)} for one image`;
  return [
    ['model', `${report.source}, ${formatBytes(report.bytes)}`],
    [
      'format',
      `ONNX IR ${report.irVersion}, ${opsets.join(', ')}${report.producer && `, by ${report.producer}`}`,
    ],
    ...report.inputs.map((input, i): [string, string] => [
      'input',
      describeInput(input, report.triedInputs[i]!),
    ]),
    ...report.outputs.map((output): [string, string] => ['output', describeValue(output)]),
    ...report.otherOutputs.map(({ name, type }): [string, string] => ['output', `${name}, ${type}`]),
    ...report.scores
      .filter(({ scores }) => scores !== 'unknown')
      .map(({ name, scores }): [string, string] => ['scores', `${name} holds ${scores}, by its graph`]),
    ...Object.entries(report.metadata).map(([key, value]): [string, string] => [
      'metadata',
      `${key}: ${cut(value)}`,
    ]),
    [
      'operators',
      Object.entries(report.operators)
        .map(([op, count]) => `${op} ${count}`)
        .join(', '),
    ],
    ['parameters', `${parameters.toLocaleString('en')} (${formatBytes(initializerBytes)} of constants)`],
    [
      'MACs',
      notCounted.length > 0 ? `${cost} at least: those of ${notCounted.join(', ')} are not known` : cost,
    ],
    ...(problem === null ? [] : [['problem', problem] as [string, string]]),
  ];
}

function summary(report: InspectReport): string {
  return textTable(
    summaryRows(report).map((row) => row.map(printable)),
    new Set(),
  ).join('\n');
}

function describeValue({ name, dtype, dims }: ValueInfo): string {
  return `${name}, ${dtype} ${formatDims(dims)}`;
}

function describeInput(input: ValueInfo, tried: ValueInfo): string {
  const sizes = formatDims(tried.dims);
  return describeValue(input) + (sizes === formatDims(input.dims) ? '' : `, tried as ${sizes}`);
}

function layers({ layers: list, batch }: InspectReport): string[] {
  const rows = list.map(({ name, op, shape, parameters, macs, milliseconds }) => [
    shorten(name),
    op,
    shape === null ? '?' : formatDims(shape),
    parameters === 0 ? '' : parameters.toLocaleString('en'),
    macs === null ? '?' : macs === 0 ? '' : formatCount(macs / batch),
    milliseconds === null ? '' : milliseconds.toFixed(3),
  ]);
  const head = ['layer', 'operator', 'output', 'parameters', 'MACs/image', 'ms'];
  return textTable([head, ...rows.map((row) => row.map(printable))], new Set([3, 4, 5]));
}

function weights(list: readonly WeightReport[]): string[] {
  const rows = list.map(({ name, dtype, dims, min, max, mean, std, zeros, notFinite, histogram }) => [
    shorten(printable(name)),
    `${dtype} ${formatDims(dims)}`,
    ...[min, mean, max, std].map((value) => value.toPrecision(3)),
    zeros === 0 ? '' : formatPercent(zeros),
    sparkline(histogram, { min: 0, max: Math.max(...histogram) }) +
      (notFinite > 0 ? `  ${notFinite} are not finite` : ''),
  ]);
  const head = ['tensor', 'type', 'min', 'mean', 'max', 'std', 'zeros', 'from min to max'];
  return textTable([head, ...rows], new Set([2, 3, 4, 5, 6]));
}

function times({ timeByOperator }: InspectReport): string[] {
  const total = timeByOperator.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rows = timeByOperator.map(({ op, nodes, milliseconds }) => [
    printable(op),
    String(nodes),
    milliseconds.toFixed(3),
    formatPercent(milliseconds / total),
  ]);
  const head = ['operator', 'nodes', 'ms', 'share'];
  return textTable([head, ...rows, ['together', '', total.toFixed(3), '']], new Set([1, 2, 3]));
}

/** `41.2 M` */
export function formatCount(count: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (count >= size) return `${(count / size).toPrecision(3)} ${unit}`;
  }
  return String(Math.round(count));
}

export function formatBytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

function cut(value: string): string {
  return value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}...` : value;
}

/** A name without its middle, if it has more characters than `most`. */
export function shorten(name: string, most = MAX_NAME): string {
  if (name.length <= most) return name;
  const half = (most - 3) / 2;
  return `${name.slice(0, Math.ceil(half))}...${name.slice(-Math.floor(half))}`;
}
