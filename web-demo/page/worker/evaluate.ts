import { UserError } from '../../../core/errors.ts';
import { ClassificationMetrics } from '../../../core/metrics/classification-metrics.ts';
import { CifarRecords, PIXELS, SIDE } from '../test-set/records.ts';
import type { TestSetSource } from '../test-set/source.ts';
import type { Classifier } from './classifier.ts';
import { download } from './download.ts';
import { currentModel } from './model.ts';
import type { EvaluationReport, EvaluationState } from './protocol.ts';

/** Large enough that the cost of a call does not show, small enough that progress and stop feel immediate. */
const BATCH = 50;

/** The file read last, so that a second run does not fetch thirty megabytes again. */
let cached: { key: string; bytes: Uint8Array } | undefined;

/**
 * Runs the open model over the first `limit` records of the test set. Aborting stops it after the batch at
 * hand; the report then covers what was done.
 * @throws UserError if the file is not CIFAR-100's test set or does not fit the model
 */
export async function evaluate(
  { source, limit }: { source: TestSetSource; limit: number },
  { progress, signal }: { progress: (state: EvaluationState) => void; signal: AbortSignal },
): Promise<EvaluationReport> {
  const model = currentModel();
  checkFits(model);
  const bytes = await read(source, signal, progress);
  const records = new CifarRecords(bytes, model.classes, source.name);
  const total = Math.min(limit, records.count);
  const metrics = new ClassificationMetrics(model.classes);
  const input = new Float32Array(BATCH * 3 * PIXELS);
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  let done = 0;
  while (done < total && !signal.aborted) {
    const n = Math.min(BATCH, total - done);
    for (let i = 0; i < n; i++) {
      model.normalizer.planar(bytes, records.offset(done + i), input, i * 3 * PIXELS, PIXELS);
    }
    const { logits } = await model.run(input, n);
    metrics.add(logits, records.labels.subarray(done, done + n), n);
    done += n;
    progress({
      phase: 'running',
      progress: { done, total },
      accuracy: metrics.result(),
      imagesPerSecond: done / seconds(),
    });
    await nextMessage();
  }
  return {
    accuracy: metrics.result(),
    imagesPerSecond: done === 0 ? 0 : done / seconds(),
    seconds: seconds(),
    stopped: done < total,
    records: records.count,
  };
}

function checkFits({ metadata, name }: Classifier): void {
  if (metadata.inputHeight !== SIDE || metadata.inputWidth !== SIDE) {
    throw new UserError(
      `${name} takes ${metadata.inputWidth}×${metadata.inputHeight} pictures, the test set has ${SIDE}×${SIDE} ones; choose another model.`,
    );
  }
  if (metadata.labels.length !== 100) {
    throw new UserError(
      `${name} knows ${metadata.labels.length} classes, the test set has 100; choose a model trained on CIFAR-100.`,
    );
  }
}

async function read(
  source: TestSetSource,
  signal: AbortSignal,
  progress: (state: EvaluationState) => void,
): Promise<Uint8Array> {
  const from = 'url' in source ? source.url : source.file;
  // A File arrives as a new object with every message, so it is only worth keeping what was fetched.
  if (cached?.key === from) return cached.bytes;
  const bytes = await download(from, source.name, signal, (fetched) =>
    progress({ phase: 'loading', progress: fetched }),
  );
  if (typeof from === 'string') cached = { key: from, bytes };
  return bytes;
}

/** Lets the messages that came in meanwhile be handled: a stop, or a picture to classify. */
function nextMessage(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
