import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { printableJson } from '../../core/cli/printable.ts';
import { UserError } from '../../core/errors.ts';
import { formatReport } from './format-report.ts';

await runMain(async () => {
  const { options, positionals } = parseOptions(
    {
      name: 'inspect',
      summary:
        'Takes an ONNX classifier apart, a file or a folder as Hugging Face lays it out: layers, shapes, parameters, multiply-accumulates, weights, and times.',
      positionals: 'FILE|FOLDER',
      options: {
        batch: {
          type: 'integer',
          help: 'images at a time, where the model takes any',
          default: 1,
          min: 1,
          max: 4096,
        },
        size: {
          type: 'integer',
          value: 'PIXELS',
          help: 'height and width of the images, where the model takes any',
          default: 224,
          min: 1,
          max: 4096,
        },
        runs: {
          type: 'integer',
          help: 'how often the model is run for its times; 0: not at all',
          default: 5,
          min: 0,
          max: 1000,
        },
        html: {
          type: 'string',
          value: 'FILE',
          help: 'also write a page with the graph as a picture to pan and zoom',
        },
        json: { type: 'boolean', help: 'print everything as JSON only' },
      },
    },
    process.argv.slice(2),
  );
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) {
    throw new UserError(
      'give one file, or a folder that holds it: npm run inspect -- model.onnx; see npm run inspect -- --help',
    );
  }
  const [{ modelFileAt }, { DISK }, { readModelBytes }, { inspectModel }] = await Promise.all([
    import('../../core/foreign-model/model-folder.ts'),
    import('../../core/fs/file-tree.ts'),
    import('../../core/onnx/read-model-bytes.ts'),
    import('./inspect-model.ts'),
  ]);
  const file = await modelFileAt(path, DISK);
  const bytes = await readModelBytes(file, file);
  const report = await inspectModel(bytes, options, file);
  if (options.html !== undefined) {
    const [{ writeFileAtomic }, { inspectPage }] = await Promise.all([
      import('../../core/fs/atomic-write.ts'),
      import('./inspect-html.ts'),
    ]);
    await writeFileAtomic(options.html, inspectPage(report)).catch((error: NodeJS.ErrnoException) => {
      throw new UserError(`cannot write ${options.html}: ${error.code ?? error.message}`);
    });
  }
  process.stdout.write(`${options.json ? printableJson(report, 2) : formatReport(report)}\n`);
  if (options.html !== undefined && !options.json) process.stdout.write(`\nwrote ${options.html}\n`);
});
