import { cpus } from 'node:os';
import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { markdownTable } from '../report/markdown-table.ts';
import { ratio, threeDigits } from '../report/numbers.ts';
import { measureInt8 } from './measure.ts';

await runMain(async () => {
  const { options, positionals } = parseOptions(
    {
      name: 'measure-int8',
      summary:
        'Times fp32 and int8 exports of nets by turns; default resnet14t, resnet20, resnet18, resnet50.',
      positionals: 'MODEL...',
      options: {
        'batch-size': { type: 'integer', help: 'images a batch', default: 32, min: 1 },
        threads: { type: 'integer', help: 'threads of onnxruntime', default: 1, min: 1 },
        rounds: { type: 'integer', help: 'turns that each gets', default: 15, min: 1 },
      },
    },
    process.argv.slice(2),
  );
  const { batchSize, threads, rounds } = options;
  const models = positionals.length > 0 ? positionals : ['resnet14t', 'resnet20', 'resnet18', 'resnet50'];
  const rows: string[][] = [];
  for (const model of models) {
    process.stderr.write(`measuring: ${model}\n`);
    const result = await measureInt8(model, { batchSize, threads, rounds });
    const milliseconds = [result.fp32.wall, result.int8.wall, result.fp32.cpu, result.int8.cpu];
    rows.push([model, ...milliseconds.map(threeDigits), ratio(result.wallRatio), ratio(result.cpuRatio)]);
  }
  const head = ['net', 'fp32 ms', 'int8 ms', 'fp32 CPU ms', 'int8 CPU ms', 'faster', 'less CPU time'];
  const setup = `batch ${batchSize}, ${threads} thread${threads === 1 ? '' : 's'}`;
  process.stdout.write(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${setup}\n\n${markdownTable(head, rows)}\n`,
  );
});
