import { runMain } from '../core/cli/main.ts';
import { parseOptions } from '../core/cli/options.ts';
import { cleanLines } from '../core/cli/printable.ts';
import { HTTPS_OPTIONS, httpsLines, readTls } from '../serve/http/https.ts';

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'demo',
      summary: 'Builds and serves the page that runs models in the browser.',
      options: {
        model: { type: 'string', value: 'NAME|FILE', help: 'model to open first: a name or an .onnx file' },
        port: {
          type: 'integer',
          default: 5173,
          min: 0,
          max: 65535,
          help: 'port to listen on; 0 is any free one',
        },
        host: { type: 'string', value: 'HOST', default: '127.0.0.1', help: 'address to listen on' },
        ...HTTPS_OPTIONS,
        'allow-host': {
          type: 'list',
          value: 'NAME',
          help: 'a name that it answers to beside localhost and --host, e.g. of a proxy in front',
        },
        data: {
          type: 'string',
          value: 'DIR',
          help: 'folder of the CIFAR-100 binary version; else CIFAR100_DIR or ./data',
        },
        runs: { type: 'string', value: 'DIR', default: 'runs', help: 'training runs to follow in the page' },
      },
    },
    process.argv.slice(2),
  );
  const tls = await readTls(options);
  const { startDemo } = await import('./start.ts');
  process.stderr.write('building the page...\n');
  const start = performance.now();
  const demo = await startDemo({ ...options, tls, allowHosts: options.allowHost });
  process.stderr.write(`built in ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  const lines = [
    `model     ${demo.model}`,
    ...demo.notes.map((note) => `note      ${note}`),
    `test set  ${demo.testSet ?? 'none found; npm run data gets it, or pick test.bin in the page'}`,
    `runs      ${demo.runs}`,
    `demo      ${demo.url}  (Ctrl+C stops it)`,
    ...(tls ? httpsLines(tls, demo.url).map((line) => `https     ${line}`) : []),
  ];
  process.stdout.write(`${cleanLines(lines.join('\n'))}\n`);
});
