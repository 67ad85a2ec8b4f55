import { UserError } from '../../../core/errors.ts';
import { ClassificationMetrics } from '../../../core/metrics/classification-metrics.ts';
import { ConfusionMatrix } from '../../../core/metrics/confusion-matrix.ts';
import type { CallContext } from '../../../core/workers/calls.ts';
import { CifarRecords, PIXELS, SIDE } from '../test-set/records.ts';
import type { TestSetSource } from '../test-set/source.ts';
import type { OpenClassifier } from './classifier.ts';
import { download } from './download.ts';
import { WorstMistakes } from './mistakes.ts';
import { currentModel } from './model.ts';
import { nextMessage } from './next-message.ts';
import type { EvaluationDetails, EvaluationReport, EvaluationState } from './protocol.ts';

/** Large enough that the cost of a call does not show, small enough that progress and stop feel immediate. */
const BATCH = 50;
/** How many mistakes the gallery shows. */
const MISTAKES = 24;
/** How often the confusion matrix and the gallery are sent while it runs. */
const DETAILS_MS = 700;

/** The file read last, so that a second run does not fetch thirty megabytes again. */
let cached: { key: string; bytes: Uint8Array } | undefined;

/**
 * Runs the open model over the first `limit` records of the test set. Aborting stops it after the batch at
 * hand; the report then covers what was done. While the gate is closed it waits.
 * @throws UserError if the file is not CIFAR-100's test set or does not fit the model
 */
export async function evaluate(
  { source, limit }: { source: TestSetSource; limit: number },
  { progress, signal, gate }: CallContext<EvaluationState>,
): Promise<EvaluationReport> {
  const model = currentModel();
  checkFits(model);
  const bytes = await read(source, signal, progress);
  const records = new CifarRecords(bytes, model.classes, source.name);
  const total = Math.min(limit, records.count);
  const metrics = new ClassificationMetrics(model.classes);
  const confusion = new ConfusionMatrix(model.classes);
  const worst = new WorstMistakes(MISTAKES);
  const details = (): EvaluationDetails => ({
    confusion: Uint32Array.from({ length: model.classes ** 2 }, (_, i) =>
      confusion.at(Math.floor(i / model.classes), i % model.classes),
    ),
    mistakes: worst.list(records),
  });
  const input = new Float32Array(BATCH * 3 * PIXELS);
  let seconds = 0;
  let detailsAt = performance.now();
  let done = 0;
  const state = (): EvaluationState => ({
    phase: 'running',
    progress: { done, total },
    accuracy: metrics.result(),
    imagesPerSecond: done / seconds,
  });
  while (done < total && !signal.aborted) {
    if (gate.isClosed) {
      progress({ ...state(), phase: 'paused', details: details() });
      await gate.pass();
      continue;
    }
    const start = performance.now();
    const n = Math.min(BATCH, total - done);
    for (let i = 0; i < n; i++) {
      model.normalizer.planar(bytes, records.offset(done + i), input, i * 3 * PIXELS, PIXELS);
    }
    const { logits } = await model.run(input, n);
    const labels = records.labels.subarray(done, done + n);
    metrics.add(logits, labels, n);
    confusion.add(logits, labels, n);
    for (let i = 0; i < n; i++) {
      const own = logits.subarray(i * model.classes, (i + 1) * model.classes);
      worst.add(done + i, labels[i]!, own, model.metadata.scores);
    }
    done += n;
    seconds += (performance.now() - start) / 1000;
    const showDetails = performance.now() - detailsAt > DETAILS_MS;
    if (showDetails) detailsAt = performance.now();
    progress(showDetails ? { ...state(), details: details() } : state());
    await nextMessage();
  }
  return {
    accuracy: metrics.result(),
    details: details(),
    imagesPerSecond: done === 0 ? 0 : done / seconds,
    seconds,
    stopped: done < total,
    records: records.count,
  };
}

function checkFits({ metadata, name }: OpenClassifier): void {
  if (metadata.inputHeight !== SIDE || metadata.inputWidth !== SIDE) {
    throw new UserError(
      `${name} takes ${metadata.inputWidth}×${metadata.inputHeight} pictures, the test set has ${SIDE}×${SIDE} ones; choose another model.`,
    );
  }
  if (metadata.scores === 'independent') {
    throw new UserError(
      `${name} judges every class by itself, as a picture may show several; its accuracy on pictures of one class each would say nothing.`,
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
