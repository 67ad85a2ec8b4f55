import { runMain } from '../core/cli/main.ts';
import { parseOptions } from '../core/cli/options.ts';
import { watchSignals } from '../core/cli/signals.ts';
import { DEFAULT_LIMITS } from './http/limits.ts';
import { displayPath } from './model-file.ts';
import { startServer } from './server.ts';

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'serve',
      summary: 'Serves an ONNX classifier over HTTP: POST /predict, GET /model, GET /healthz.',
      options: {
        model: {
          type: 'string',
          value: 'FILE|NAME',
          help: 'an .onnx file, or a name looked up in exports/ and models/ (left out: the embedded model)',
        },
        port: { type: 'integer', help: 'TCP port; 0 takes a free one', default: 8080, min: 0, max: 65_535 },
        host: { type: 'string', help: 'address to listen on; 0.0.0.0 is all', default: '127.0.0.1' },
        workers: {
          type: 'integer',
          help: 'inference threads with a copy of the model each',
          default: 1,
          min: 1,
          max: 64,
        },
        threads: {
          type: 'integer',
          help: 'threads inside one operator; 0: one a core',
          default: 0,
          min: 0,
          max: 256,
        },
        'max-batch': {
          type: 'integer',
          help: 'images the model runs at once',
          default: 64,
          min: 1,
          max: 4096,
        },
        'max-images': {
          type: 'integer',
          help: 'images in one request',
          default: DEFAULT_LIMITS.images,
          min: 1,
          max: 10_000,
        },
        'max-body': {
          type: 'number',
          value: 'MB',
          help: 'size of one request',
          default: DEFAULT_LIMITS.bodyBytes / 1e6,
          min: 0.001,
          max: 1000,
        },
      },
    },
    process.argv.slice(2),
  );
  const server = await startServer({
    model: options.model,
    port: options.port,
    host: options.host,
    limits: { bodyBytes: Math.round(options.maxBody * 1e6), images: options.maxImages },
    inference: { workers: options.workers, threads: options.threads, maxBatch: options.maxBatch },
  });
  const { metadata, path } = server.model;
  const accuracy = metadata.accuracy ? `, top-1 ${(metadata.accuracy.top1 * 100).toFixed(2)}%` : '';
  process.stdout.write(
    `model    ${metadata.model} (${metadata.dataset}, ${metadata.labels.length} classes${accuracy}) from ${displayPath(path)}\n` +
      `serving  ${server.url}${server.hasDemo ? ' (demo page at /)' : ''}\n`,
  );
  watchSignals(
    () => {
      process.stdout.write('stopping: finishing the requests under way\n');
      void server.close().then(() => process.exit(0));
    },
    () => process.exit(1),
  );
});
