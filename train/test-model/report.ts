import { formatPercent } from '../../core/cli/format.ts';
import type { ImageDataset } from '../../core/data/dataset.ts';
import { byAccuracy, type ClassReport, classReports } from '../../core/metrics/class-report.ts';
import type { ModelAccuracy } from '../../core/model-metadata.ts';
import type { TestOutcome } from './test-model.ts';

/** What is written as report.json. Fractions in [0, 1], loss in nats; a fraction of nothing is null. */
export interface TestReport extends ModelAccuracy {
  /** The file tested. */
  weights: string;
  model: string;
  dataset: string;
  /** The fraction of images taken for any class of their superclass. */
  superclassTop1?: number;
  superclasses?: ClassReport[];
  /** Without the test images whose pixels stand in the training set, where that was asked for. */
  withoutDuplicates?: TestOutcome['withoutDuplicates'];
  classes: ClassReport[];
  /** [true class][predicted class] in images, classes by index. */
  confusion: number[][];
}

/** How many of the best and of the worst classes are printed. */
const SHOWN = 5;

/** Gathers what a test found out. */
export function makeReport(
  names: { weights: string; model: string },
  dataset: Pick<ImageDataset, 'name' | 'labels' | 'superclasses'>,
  { accuracy, matrix, withoutDuplicates }: TestOutcome,
): TestReport {
  const { superclasses } = dataset;
  const groups = superclasses && matrix.grouped(superclasses.ofClass, superclasses.names.length);
  const indices = dataset.labels.map((_, index) => index);
  return {
    ...names,
    dataset: dataset.name,
    ...accuracy,
    ...(groups
      ? { superclassTop1: groups.accuracy(), superclasses: classReports(groups, superclasses.names) }
      : {}),
    ...(withoutDuplicates ? { withoutDuplicates } : {}),
    classes: classReports(matrix, dataset.labels),
    confusion: indices.map((label) => indices.map((predicted) => matrix.at(label, predicted))),
  };
}

/** The report for people. */
export function describeReport(report: TestReport): string {
  const ranked = byAccuracy(report.classes);
  const shown = Math.min(SHOWN, Math.floor(ranked.length / 2));
  const width = Math.max(...ranked.map(({ name }) => name.length));
  const row = ({ name, accuracy, confusedWith }: ClassReport) => {
    const taken = confusedWith.map((other) => `${other.name} ${other.images}`).join(', ');
    const line = `  ${formatPercent(accuracy).padStart(8)}  ${name.padEnd(width)}`;
    return taken === '' ? line.trimEnd() : `${line}  taken for ${taken}`;
  };
  const superclass =
    report.superclassTop1 === undefined ? [] : [`superclass  ${formatPercent(report.superclassTop1)}`];
  return [
    `${report.model} on ${report.dataset}, ${report.images} test images`,
    `loss        ${report.loss.toFixed(4)}`,
    `top-1       ${formatPercent(report.top1)} (${report.top1Correct})`,
    `top-5       ${formatPercent(report.top5)} (${report.top5Correct})`,
    ...superclass,
    ...describeWithoutDuplicates(report),
    'best classes',
    ...ranked.slice(0, shown).map(row),
    'worst classes',
    ...ranked
      .slice(ranked.length - shown)
      .reverse()
      .map(row),
  ].join('\n');
}

function describeWithoutDuplicates({ withoutDuplicates }: TestReport): string[] {
  if (!withoutDuplicates) return [];
  const { leftOut, images, loss, top1, top1Correct, top5, top5Correct } = withoutDuplicates;
  if (leftOut === 0) return ['no test image stands in the training set'];
  return [
    `without the ${leftOut} test images that stand in the training set, ${images} images`,
    `  loss      ${loss.toFixed(4)}`,
    `  top-1     ${formatPercent(top1)} (${top1Correct})`,
    `  top-5     ${formatPercent(top5)} (${top5Correct})`,
  ];
}
