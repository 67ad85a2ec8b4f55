import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { cleanLines } from '../../core/cli/printable.ts';
import { DATASET_CHOICES } from '../../core/data/load.ts';
import { UserError } from '../../core/errors.ts';
import { MODEL_NAMES } from '../../core/models/zoo.ts';
import type { ConvertResult } from './convert.ts';

const FORMAT_NAMES = { safetensors: 'safetensors', pytorch: 'PyTorch checkpoint', onnx: 'ONNX model' };

await runMain(async () => {
  const { options, positionals } = parseOptions(
    {
      name: 'weights',
      summary: 'Converts weights of PyTorch (.pth), .safetensors or .onnx to .safetensors or .onnx.',
      positionals: 'IN OUT',
      options: {
        model: {
          type: 'string',
          value: 'NAME',
          help: 'model of the zoo; left out: found by the tensors',
          choices: MODEL_NAMES,
        },
        key: {
          type: 'string',
          value: 'NAME',
          help: "a PyTorch checkpoint's entry with the weights (or what their names begin with); left out: found",
        },
        dataset: {
          type: 'string',
          value: 'NAME',
          help: 'for .onnx: what the weights were trained on; left out: what IN says, else cifar100',
          choices: DATASET_CHOICES.filter((name) => name !== 'auto'),
        },
        data: { type: 'string', value: 'DIR', help: 'where that dataset is, for its label names' },
        labels: {
          type: 'string',
          value: 'FILE',
          help: "label names, one a line or a JSON list, instead of the dataset's",
        },
      },
    },
    process.argv.slice(2),
  );
  const [input, output, ...more] = positionals;
  if (input === undefined || output === undefined || more.length > 0) {
    throw new UserError('give two files: npm run weights -- IN OUT; see npm run weights -- --help');
  }
  const { convertWeights } = await import('./convert.ts');
  const result = await convertWeights({ input, output, ...options });
  process.stdout.write(`${cleanLines(describe(input, output, result))}\n`);
});

function describe(input: string, output: string, result: ConvertResult): string {
  const { model, reason, folded, from, to, tensors, values, bytes, remarks } = result;
  const known = model === undefined ? 'of no model of the zoo' : model;
  return [
    `read      ${input}, ${FORMAT_NAMES[from]}`,
    `model     ${known}${folded ? ', batch norm folded' : ''}: ${tensors} tensors, ${values.toLocaleString('en')} values`,
    ...(reason === undefined ? [] : [`why       ${reason}`]),
    ...remarks,
    `written   ${output}, ${FORMAT_NAMES[to]}, ${(bytes / 1e6).toFixed(2)} MB`,
  ].join('\n');
}
