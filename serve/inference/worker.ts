/**
 * The inference thread. onnxruntime's `run` blocks the thread that calls it, which must not be the one that
 * answers HTTP requests.
 */
import { workerData } from 'node:worker_threads';
import { findBatchProblem } from '../../core/foreign-model/batch-trial.ts';
import { Random } from '../../core/random.ts';
import { openInRuntime } from '../../core/runtime/open-in-runtime.ts';
import type { RuntimeChoice, RuntimeName } from '../../core/runtime/runtimes.ts';
import { type InferenceSession, Tensor } from '../../core/runtime/session.ts';
import { serveThread } from '../../core/workers/thread.ts';
import { openShared } from './shared-weights.ts';

/** What an inference worker is started with. */
export interface InferenceSetup {
  /** The ONNX file's bytes. */
  model: SharedArrayBuffer;
  /** A folder for what the workers of a pool share; see `shared-weights.ts`. */
  sharedFolder: string;
  /** One image's shape. */
  height: number;
  width: number;
  classes: number;
  /** Threads inside one operator; 0 lets onnxruntime choose. */
  threads: number;
  /** If given: the largest batch, to try with 1 and 2 whether images in a batch come out as each by itself. */
  tryBatch?: number;
  /** Default onnxruntime. With `tryBatch`, OpenVINO's scores are compared with onnxruntime's, and `auto` chooses. */
  runtime?: RuntimeChoice;
}

/** What an inference thread does. */
export type InferenceCalls = {
  /** Loads the model and runs it once; gives why images must be run one by one, where it was tried. */
  open: { params: undefined; result: { batchProblem?: string; runtime?: RuntimeName; note?: string } };
  /** Runs a batch: `input` is [images, 3, height, width], `logits` [images, classes]. */
  run: {
    params: { input: Float32Array<ArrayBuffer>; images: number };
    result: { logits: Float32Array<ArrayBuffer>; milliseconds: number };
  };
  /** Frees what does not go with the thread, once nothing runs. */
  close: { params: undefined; result: undefined };
};

const setup = workerData as InferenceSetup;
const imageSize = 3 * setup.height * setup.width;
let session: InferenceSession;
let runtime: RuntimeName | undefined;
/** Settles when what was asked last is done. */
let working: Promise<unknown> = Promise.resolve();

serveThread<InferenceCalls>({
  open: () => work(open),
  run: ({ input, images }, { transfer }) =>
    work(async () => {
      const start = performance.now();
      const logits = await infer(input, images);
      transfer(logits.buffer);
      return { logits, milliseconds: performance.now() - start };
    }),
  close: async () => {
    await working;
    if (runtime === 'openvino') await session.release();
  },
});

function work<T>(task: () => Promise<T>): Promise<T> {
  const done = task();
  working = done.catch(() => {});
  return done;
}

async function open(): Promise<InferenceCalls['open']['result']> {
  const { model, sharedFolder, threads, tryBatch } = setup;
  const opened = await openInRuntime(setup.runtime ?? 'onnxruntime', new Uint8Array(model), {
    threads,
    inOnnxruntime: () => openShared(model, sharedFolder, threads),
    trial: tryBatch !== undefined,
  });
  ({ session, runtime } = opened);
  if (!session.inputNames.includes('input') || !session.outputNames.includes('logits')) {
    throw new Error('it must have an input "input" and an output "logits"');
  }
  // The first run allocates; do it before a client waits for it.
  await infer(new Float32Array(imageSize), 1);
  const batchProblem = await tryBatches(tryBatch ?? 1);
  const { note } = opened;
  return {
    runtime,
    ...(batchProblem !== undefined && { batchProblem }),
    ...(note !== undefined && { note }),
  };
}

async function infer(
  input: Float32Array,
  images: number,
  options: InferenceSession.RunOptions = {},
): Promise<Float32Array<ArrayBuffer>> {
  const feed = new Tensor('float32', input, [images, 3, setup.height, setup.width]);
  const { logits } = await session.run({ input: feed }, ['logits'], options);
  if (logits?.type !== 'float32' || logits.size !== images * setup.classes) {
    throw new Error(
      `its logits are ${logits?.type} [${logits?.dims}], not [${images}, ${setup.classes}] float32`,
    );
  }
  // A copy: the output's memory belongs to onnxruntime and cannot be transferred.
  return new Float32Array(logits.data as Float32Array);
}

/** Tries images of one colour and noise, by themselves and in batches of 2 and of the largest size. */
async function tryBatches(largest: number): Promise<string | undefined> {
  if (largest < 2) return undefined;
  const random = new Random(1);
  const images = [() => 4 * random.uniform() - 2, () => 0.5, () => -1].map((value) =>
    Float32Array.from({ length: imageSize }, value),
  );
  const run = (some: readonly Float32Array[]): Promise<Float32Array> => {
    const input = new Float32Array(some.length * imageSize);
    for (const [i, image] of some.entries()) input.set(image, i * imageSize);
    // That it fails may be the answer; onnxruntime need not tell the terminal too.
    return infer(input, some.length, { logSeverityLevel: 4 });
  };
  const rows: Float32Array[] = [];
  for (const image of images) rows.push(await run([image]));
  return findBatchProblem(run, images, rows, largest === 2 ? [2] : [2, largest]);
}
