import { countMacs } from '../core/onnx/count-macs.ts';
import { type AlternateOptions, alternate, speedRatio } from './alternate.ts';
import { MeasuredProcess } from './child-process.ts';
import { measuredNet } from './children/measured-net.ts';
import { type Comparison, compare } from './compare.ts';
import { forwardContestants, onlyNamed, type Peers, script, trainContestants } from './contestants.ts';

export interface SuiteOptions extends AlternateOptions {
  models: readonly string[];
  /** Undefined: what each net is usually trained with here. */
  batchSize: number | undefined;
  /** 0: as many as each takes by itself. */
  threads: number;
  peers: Peers;
  /** Texts of which a row's name has one; undefined: all rows. */
  only?: readonly string[] | undefined;
  /** Where the dataset is; for the data pipeline. */
  data: string | undefined;
  /** Told what is being measured now. */
  onProgress: (text: string) => void;
}

/** Forward, and backward with respect to inputs and to weights, cost as much each. */
const TRAINING_PASSES = 3;

/** Large nets are measured at batches that fit a small machine. */
function usualBatch(macs: number): number {
  return macs < 1e8 ? 128 : macs < 1e9 ? 64 : 32;
}

/**
 * Training steps of our engines and the peers.
 * @param found gets each net's, so that they are there where a later net fails; so in all suites
 */
export function trainSuite(options: SuiteOptions, found: Comparison[]): Promise<void> {
  return compareEach('training step', options, TRAINING_PASSES, trainContestants(options.peers), found);
}

/** Forward passes of our exported models and the peers. */
export function forwardSuite(options: SuiteOptions, found: Comparison[]): Promise<void> {
  return compareEach('forward pass', options, 1, forwardContestants(options.peers), found);
}

async function compareEach(
  what: string,
  options: SuiteOptions,
  passes: number,
  contestants: Parameters<typeof compare>[0],
  found: Comparison[],
): Promise<void> {
  const chosen = onlyNamed(contestants, options.only);
  for (const model of options.models) {
    const graph = await measuredNet(model);
    const macs = countMacs(graph);
    const batchSize = options.batchSize ?? usualBatch(macs);
    const imageSize = Number(graph.inputs[0]!.dims.at(-1));
    options.onProgress(`${what} of ${model}, batch ${batchSize}`);
    const classes = Number(graph.outputs[0]!.dims.at(-1));
    const net = { model, imageSize, classes, batchSize, macsPerImage: passes * macs };
    found.push(await compare(chosen, { ...options, ...net }));
  }
}

/** How the cost of a training step grows with batch, depth and cores: our `ort` engine and PyTorch at each point. */
export async function scalingSuite(options: SuiteOptions, found: Comparison[]): Promise<void> {
  const contestants = trainContestants({ ...options.peers, tensorflow: false, compile: false });
  const points: { model: string; batchSize: number; threads?: number }[] = [
    ...[16, 32, 64, 128, 256].map((batchSize) => ({ model: 'resnet20', batchSize })),
    ...['resnet32', 'resnet56'].map((model) => ({ model, batchSize: 128 })),
    ...['resnet18', 'resnet34'].map((model) => ({ model, batchSize: 32 })),
    // On one core, then on two: as replicas, or inside each operator.
    ...[1, 2].flatMap((threads) => [
      { model: 'resnet20', batchSize: 128, threads },
      { model: 'resnet18', batchSize: 32, threads },
    ]),
  ];
  for (const { model, batchSize, threads = options.threads } of points) {
    const point = { ...options, models: [model], batchSize, threads };
    await compareEach('growth', point, TRAINING_PASSES, contestants, found);
  }
}

export interface LoaderResult {
  model: string;
  batchSize: number;
  /** What one worker thread makes, with the reference recipe's augmentation. */
  loaderImagesPerSecond: number;
  /** What the trainer consumes on one thread. */
  trainerImagesPerSecond: number;
  ratio: number;
}

/** The data pipeline alone on one thread, against what our trainer consumes on one. */
export async function dataSuite(options: SuiteOptions, found: LoaderResult[]): Promise<void> {
  for (const model of options.models) {
    const batchSize = options.batchSize ?? usualBatch(countMacs(await measuredNet(model)));
    options.onProgress(`data pipeline against ${model}`);
    const setup = { model, batchSize, threads: 1 };
    const processes: MeasuredProcess[] = [];
    try {
      processes.push(
        await MeasuredProcess.start('the data pipeline', script('./children/loader.ts'), {
          ...setup,
          data: options.data,
        }),
      );
      processes.push(
        await MeasuredProcess.start('the trainer', script('./children/train.ts'), {
          ...setup,
          engine: 'ort',
        }),
      );
      const [loader, trainer] = await alternate(processes, options);
      found.push({
        model,
        batchSize,
        loaderImagesPerSecond: loader!.rate * batchSize,
        trainerImagesPerSecond: trainer!.rate * batchSize,
        ratio: speedRatio(loader!, trainer!),
      });
    } finally {
      for (const child of processes) child.kill();
    }
  }
}
