import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatPercent } from './core/cli/format.ts';
import { runMain } from './core/cli/main.ts';
import { parseOptions } from './core/cli/options.ts';
import { formatDuration, ProgressBar } from './core/cli/progress.ts';
import { watchSignals } from './core/cli/signals.ts';
import type { ImageDataset } from './core/data/dataset.ts';
import { UserError } from './core/errors.ts';
import { fewClasses } from './core/metrics/few-classes.ts';
import { buildModel } from './core/models/zoo.ts';
import { parameterCount } from './core/onnx/roles.ts';
import type { RunDirectory } from './core/runs/run-directory.ts';
import { consoleObserver } from './train/console.ts';
import { loadTrainingData, TEST_SHARE } from './train/load-data.ts';
import { makeConfig, settle } from './train/recipe/make-config.ts';
import type { TrainConfig } from './train/recipe/settings.ts';

/** Epochs and images are found by the speed of the machine. */
const RECIPE = {
  model: 'resnet14t',
  epochs: 1,
  batchSize: 128,
  nesterov: true,
  warmupFraction: 0.2,
} as const;
const { model: MODEL } = RECIPE;
const OUTPUT = join('exports', 'quickstart.onnx');

const say = (line: string) => process.stdout.write(`${line}\n`);

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'quickstart',
      summary: 'The whole chain in a few minutes: train a small net, export, serve, evaluate, browse.',
      options: {
        data: { type: 'string', value: 'DIR', help: 'where CIFAR-100 is; else CIFAR100_DIR, else ./data' },
        seconds: { type: 'number', help: 'about how long to train', default: 120, min: 1, max: 86_400 },
        port: {
          type: 'integer',
          help: 'port of the server; 0: any free one',
          default: 8080,
          min: 0,
          max: 65_535,
        },
        'demo-port': {
          type: 'integer',
          help: 'port of the page; 0: any free one',
          default: 5173,
          min: 0,
          max: 65_535,
        },
        exit: { type: 'boolean', help: 'stop when all is done instead of serving on', default: false },
      },
    },
    process.argv.slice(2),
  );
  const dataset = await loadTrainingData(
    {
      dataset: 'auto',
      dir: options.data,
      skipBroken: true,
      heldOutIfNone: { share: TEST_SHARE, seed: settle({}).seed },
    },
    (line) => say(`1/5 ${line}`),
  );

  const { run, top1Correct } = await trainBriefly(dataset, options.seconds);

  say(`3/5 export to ${OUTPUT}`);
  const { exportRun } = await import('./export/export-model.ts');
  const exported = await exportRun({ run, out: OUTPUT });
  say(`${(exported.bytes / 1e6).toFixed(2)} MB, verified against the checkpoint`);

  const [{ startServer }, { evaluateServer }] = await Promise.all([
    import('./serve/server.ts'),
    import('./serve/evaluate/evaluate-server.ts'),
  ]);
  const server = await startServer({ model: OUTPUT, port: options.port });
  say(`4/5 serving ${server.url}; evaluating through it`);
  const bar = new ProgressBar({ label: 'evaluate', total: dataset.test.count, unit: 'images' });
  const result = await evaluateServer({
    server: server.url,
    dataset,
    onProgress: ({ done }) => bar.update(done),
  });
  bar.finish();
  say(
    `server: ${formatPercent(result.top1)} top-1${fewClasses(dataset.labels) ? '' : `, ${formatPercent(result.top5)} top-5`} ` +
      `on ${result.images} test images ` +
      `(${result.top1Correct} right, ${top1Correct} in the trainer), ${result.imagesPerSecond.toFixed(0)} images/s`,
  );

  const { startDemo } = await import('./web-demo/start.ts');
  const demo = await startDemo({
    model: OUTPUT,
    port: options.demoPort,
    host: '127.0.0.1',
    data: options.data,
  });
  say(`5/5 page: ${demo.url}`);
  const close = async () => {
    await Promise.all([demo.close(), server.close()]);
  };
  if (options.exit) return close();
  say(`try  curl -F image=@picture.png ${server.url}/predict`);
  say('a model trained for longer is embedded: npm run serve, npm run demo. Ctrl-C stops.');
  watchSignals(() => void close().then(() => process.exit(0)));
});

/** Trains about as long as asked: as many epochs, or as large a part of one, as this machine's speed allows. */
async function trainBriefly(
  dataset: ImageDataset,
  seconds: number,
): Promise<{ run: RunDirectory; top1Correct: number }> {
  const model = buildModel(MODEL, { numClasses: dataset.labels.length, imageSize: dataset.height });
  // A folder of few pictures is one batch.
  const batchSize = Math.min(RECIPE.batchSize, dataset.train.count);
  const brief = makeConfig({ ...RECIPE, batchSize }, model, dataset);
  const [{ createRun, startRun }, { measureStepSeconds }] = await Promise.all([
    import('./train/trainer.ts'),
    import('./train/run-steps.ts'),
  ]);
  let interrupted = false;
  let release = () => {};
  try {
    const { run, result } = await startRun({
      config: brief,
      model,
      dataset,
      workers: 1,
      resume: false,
      shouldStop: () => interrupted,
      open: async (engine) => {
        const values = dataset.channels * dataset.height * dataset.width;
        const stepSeconds = await measureStepSeconds(engine, batchSize, values, dataset.labels.length);
        const images = (seconds / stepSeconds) * batchSize;
        const epochs = Math.max(1, Math.round(images / dataset.train.count));
        const trainImages = Math.min(dataset.train.count, Math.max(batchSize, Math.floor(images / epochs)));
        const config = { ...brief, epochs, trainImages };
        // Runs end where the system cleans up by itself; what is worth keeping is the exported model.
        const run = await createRun(config, dataset, join(tmpdir(), `quickstart-${randomUUID()}`));
        say(
          `2/5 train ${MODEL} (${parameterCount(model).toLocaleString('en')} parameters): ${epochs} epoch(s) of ` +
            `${trainImages} images, about ${formatDuration((epochs * trainImages * stepSeconds) / batchSize)}`,
        );
        release = watchSignals(() => {
          interrupted = true;
        });
        return { run, config, observer: withoutEstimate(config, dataset) };
      },
    });
    if (!result.best) throw new UserError('quickstart was interrupted before the first evaluation');
    return { run, top1Correct: result.best.top1Correct };
  } finally {
    release();
  }
}

function withoutEstimate(config: TrainConfig, dataset: ImageDataset) {
  const { onEstimate: _, ...observer } = consoleObserver(config, dataset, say);
  return observer;
}
