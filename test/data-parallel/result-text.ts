import type { Difference } from './compare.ts';
import type { Result } from './demonstrate.ts';

/** The result as a Markdown page. */
export function describeResult({ machine, versions, experiments }: Result): string {
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const parts = [
    '# Two processes against one',
    'Written by `npm run data-parallel`; see [../data-parallel.md](../data-parallel.md).',
    `${machine}; ${software.join(', ')}. All on the CPU, one thread a process.`,
  ];
  for (const { setting, comparisons } of experiments) {
    const { model, dataset, batchSize, shares, steps, ...recipe } = setting;
    const how = Object.entries(recipe).map(([name, value]) => `${name} ${value}`);
    parts.push(
      `## ${model}, ${steps} steps`,
      `${steps} batches of ${batchSize} of ${dataset}, cropped and flipped, in ${shares} shares of ${batchSize / shares}; ${how.join(', ')}.`,
    );
    for (const { with: other, label, differences } of comparisons) {
      parts.push(`### Two processes under torchrun against ${other}`, `${label}.`, table(differences));
    }
  }
  return `${parts.join('\n\n')}\n`;
}

function table(differences: readonly Difference[]): string {
  const rows = differences.map(({ kind, tensors, values, different, maxDifference, relative }) => [
    kind,
    String(tensors),
    String(values),
    String(different),
    number(maxDifference),
    number(relative),
  ]);
  const head = [
    'tensors of the kind',
    'tensors',
    'values',
    'differ in a bit',
    'largest difference',
    'relative',
  ];
  return [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

const number = (value: number) => (value === 0 ? '0' : value.toExponential(1));
