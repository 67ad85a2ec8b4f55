import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { loadDataset } from '../../core/data/load.ts';
import { UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { type Comparison, comparePyTorch, compareStepGraph } from './demonstration.ts';
import { findPython, versions } from './python.ts';
import { describeResult } from './result-text.ts';
import type { Setting } from './trained-run.ts';

/** Everything that the committed result states. */
export interface Result {
  machine: string;
  versions: Record<string, string>;
  experiments: { setting: ReturnType<typeof settingRecord>; comparisons: Comparison[] }[];
}

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'data-parallel',
      summary: 'Shows that two processes of a step graph give the weights of one; see docs/data-parallel.md.',
      options: {
        data: { type: 'string', value: 'DIR', help: 'CIFAR-100; else CIFAR100_DIR, else ./data' },
        out: {
          type: 'string',
          value: 'DIR',
          help: 'where result.json and result.md go',
          default: fileURLToPath(new URL('../../docs/data-parallel/', import.meta.url)),
        },
      },
    },
    process.argv.slice(2),
  );
  const python = await findPython(['torchvision']);
  if ('reason' in python) throw new UserError(python.reason);
  const dataset = await loadDataset({ dataset: 'cifar100', dir: options.data, splits: ['train'] });
  const recipe = { optimizer: 'sgd', momentum: 0.9, weightDecay: 5e-4 } as const;
  const stepGraph: Setting = {
    model: 'resnet20',
    dataset,
    batchSize: 64,
    shares: 2,
    steps: 20,
    recipe: {
      ...recipe,
      learningRate: 0.1,
      nesterov: true,
      schedule: 'onecycle',
      emaDecay: 0.99,
      clipNorm: 5,
    },
  };
  const pyTorch: Setting = {
    ...stepGraph,
    model: 'resnet18',
    batchSize: 16,
    steps: 5,
    recipe: {
      ...recipe,
      learningRate: 0.01,
      nesterov: false,
      schedule: 'constant',
      emaDecay: 0,
      clipNorm: 0,
    },
  };
  const folder = await mkdtemp(join(tmpdir(), 'data-parallel-'));
  try {
    const result: Result = {
      machine: `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores`,
      versions: { 'onnxruntime-node': await nodeVersion(), ...(await versions(python.path)) },
      experiments: [
        {
          setting: settingRecord(stepGraph),
          comparisons: await compareStepGraph(python.path, folder, stepGraph),
        },
        {
          setting: settingRecord(pyTorch),
          comparisons: await comparePyTorch(python.path, join(folder, 'pytorch'), pyTorch),
        },
      ],
    };
    const text = describeResult(result);
    await writeFileAtomic(join(options.out, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
    await writeFileAtomic(join(options.out, 'result.md'), text);
    process.stdout.write(text);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

function settingRecord({ model, dataset, batchSize, shares, steps, recipe }: Setting) {
  return { model, dataset: dataset.name, batchSize, shares, steps, ...recipe };
}

async function nodeVersion(): Promise<string> {
  const path = new URL('../../node_modules/onnxruntime-node/package.json', import.meta.url);
  return (JSON.parse(await readFile(path, 'utf8')) as { version: string }).version;
}
