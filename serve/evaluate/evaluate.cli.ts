import { join } from 'node:path';
import { formatPercent } from '../../core/cli/format.ts';
import { runMain } from '../../core/cli/main.ts';
import { parseOptions } from '../../core/cli/options.ts';
import { printable, printableJson } from '../../core/cli/printable.ts';
import { ProgressBar } from '../../core/cli/progress.ts';
import type { ImageDataset } from '../../core/data/dataset.ts';
import { DATASET_CHOICES, loadTestImages, locateDataset } from '../../core/data/load.ts';
import { testImagesInTraining } from '../../core/data/report/duplicates.ts';
import { UserError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { makeFolders } from '../../core/fs/make-folder.ts';
import { matchClasses, readClassMap } from '../../core/metrics/match-classes.ts';
import {
  checkHasTraining,
  describeAccuracy,
  describeWithoutDuplicates,
  TALLY_OPTIONS,
} from '../../core/metrics/tally.ts';
import type { ModelDescription } from '../models/describe-model.ts';
import { API_KEY_VARIABLE, apiKeyOfEnvironment } from '../options.ts';
import { DEFAULT_BATCH_SIZE, DEFAULT_CONCURRENCY, InferenceClient } from './client.ts';

await runMain(async () => {
  const { options } = parseOptions(
    {
      name: 'evaluate',
      summary:
        "Measures a running server's accuracy on the test images, sent to it as PNG files. " +
        `An API key is taken from the environment variable ${API_KEY_VARIABLE}.`,
      options: {
        server: { type: 'string', value: 'URL', help: 'the server', default: 'http://127.0.0.1:8080' },
        dataset: {
          type: 'string',
          value: 'NAME',
          help: 'left out: what the model was trained on, where that is known, else what --data has',
          choices: DATASET_CHOICES,
        },
        data: {
          type: 'string',
          value: 'DIR',
          help: 'folder or archive of the test data (left out: CIFAR100_DIR, then ./data); of an image folder test/<class>/, or <class>/ alone',
        },
        'batch-size': {
          type: 'integer',
          help: 'images in one request',
          default: DEFAULT_BATCH_SIZE,
          min: 1,
          max: 10_000,
        },
        concurrency: {
          type: 'integer',
          help: 'requests under way at a time',
          default: DEFAULT_CONCURRENCY,
          min: 1,
          max: 64,
        },
        model: {
          type: 'string',
          value: 'NAME[@VERSION]',
          help: "one of the server's models (left out: its default)",
        },
        'retry-seconds': {
          type: 'number',
          help: 'how long a server that stops answering is waited for',
          default: 60,
          min: 0,
          max: 86_400,
        },
        out: {
          type: 'string',
          value: 'DIR',
          help: 'write evaluation.json and evaluation.html there: numbers, confusion matrix, worst mistakes',
        },
        ...TALLY_OPTIONS,
      },
    },
    process.argv.slice(2),
  );
  // Before the data is read: an unreachable server is said at once, and the model names its dataset.
  const clientOptions = {
    model: options.model,
    apiKey: apiKeyOfEnvironment(),
    patienceSeconds: options.retrySeconds,
  };
  if (options.out !== undefined) await makeFolders(options.out);
  const dataset = await loadTestSplit(
    await new InferenceClient(options.server, clientOptions).model(),
    options,
  );
  if (options.withoutDuplicates) checkHasTraining(dataset);
  const leaveOut = options.withoutDuplicates ? testImagesInTraining(dataset) : undefined;
  const total = Math.min(dataset.test.count, options.limit ?? Number.POSITIVE_INFINITY);
  const progress = new ProgressBar({ label: 'evaluate', total, unit: 'images' });
  const { evaluateServer } = await import('./evaluate-server.ts');
  const evaluation = await evaluateServer({
    ...clientOptions,
    server: options.server,
    dataset,
    batchSize: options.batchSize,
    concurrency: options.concurrency,
    limit: options.limit,
    leaveOut,
    onProgress: ({ done, top1 }) => progress.update(done, `top-1 ${formatPercent(top1)}`),
  });
  progress.finish();
  const { matrix: _matrix, mistakes: _mistakes, ...result } = evaluation;
  if (options.out !== undefined) {
    const { htmlReport } = await import('./html-report.ts');
    await writeFileAtomic(join(options.out, 'evaluation.json'), `${JSON.stringify(result, null, 2)}\n`);
    await writeFileAtomic(join(options.out, 'evaluation.html'), await htmlReport(evaluation, dataset));
  }
  if (options.json) {
    process.stdout.write(`${printableJson(result)}\n`);
    return;
  }
  const lines = [
    `${printable(`${result.model} on ${dataset.name}`)}, ${result.images} test images`,
    ...describeAccuracy(result, dataset.labels),
    ...describeWithoutDuplicates(result.withoutDuplicates, dataset.labels),
    `speed       ${result.imagesPerSecond.toFixed(1)} images/s (${result.seconds.toFixed(1)} s)`,
    `latency     p50 ${result.latencyMs.p50.toFixed(1)} ms, p99 ${result.latencyMs.p99.toFixed(1)} ms for ${result.batchSize} images`,
    ...(options.out === undefined ? [] : [`report      ${join(options.out, 'evaluation.html')}`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
});

/** The test images that are asked for, or of the dataset that the server's model was trained on, in the size it takes. */
async function loadTestSplit(
  model: ModelDescription,
  options: {
    dataset: string | undefined;
    data: string | undefined;
    classMap: string | undefined;
    withoutDuplicates: boolean;
    skipBroken: boolean;
  },
): Promise<ImageDataset> {
  const { data: dir, withoutDuplicates, skipBroken } = options;
  const own = DATASET_CHOICES.find((name) => name === model.dataset);
  const dataset = DATASET_CHOICES.find((name) => name === options.dataset) ?? own ?? (dir && 'auto');
  if (!dataset) {
    throw new UserError(
      `the server's model was trained on "${model.dataset}", which cannot be read; give the images to test on, with --data DIR`,
    );
  }
  if (dataset === 'synthetic' && dir !== undefined) {
    throw new UserError(
      "the server's model was trained on synthetic data, which needs no files; leave out --data, or give --dataset too",
    );
  }
  const { height: imageSize, mean, std } = model.input;
  const location = await locateDataset({ dataset, dir, trainOnly: true });
  const loaded = await loadTestImages(location, {
    // Given, the normalisation need not be measured on the training images.
    ...{ imageSize, skipBroken, normalization: { mean, std } },
    splits: withoutDuplicates ? ['train', 'test'] : ['test'],
    record: model.data,
    onNote: (line) => process.stderr.write(`data: ${line}\n`),
  });
  const map = options.classMap === undefined ? undefined : await readClassMap(options.classMap);
  return loaded.name === 'folder' || map ? matchClasses(loaded, model.labels, map) : loaded;
}
