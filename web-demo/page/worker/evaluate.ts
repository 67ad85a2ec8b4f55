import { UserError } from '../../../core/errors.ts';
import { ClassificationMetrics } from '../../../core/metrics/classification-metrics.ts';
import { ConfusionMatrix } from '../../../core/metrics/confusion-matrix.ts';
import { probabilitiesOf, type ScoreKind } from '../../../core/metrics/scores.ts';
import { topK } from '../../../core/metrics/top-k.ts';
import { prepareImage } from '../../../core/preprocess/prepare-image.ts';
import type { CallContext } from '../../../core/workers/calls.ts';
import { CifarRecords, PIXELS, SIDE } from '../test-set/records.ts';
import { type CifarSource, matchLabels, someOf, type TestSetSource } from '../test-set/source.ts';
import type { OpenClassifier } from './classifier.ts';
import { download } from './download.ts';
import { currentModel } from './model.ts';
import { nextMessage } from './next-message.ts';
import { decodePicture, rgbaOf } from './picture.ts';
import type { EvaluationDetails, EvaluationReport, EvaluationState, Mistake } from './protocol.ts';

type FolderSource = Extract<TestSetSource, { pictures: unknown }>;

/** Large enough that the cost of a call does not show, small enough that progress and stop feel immediate. */
const BATCH = 50;
/** Most numbers in a batch: large pictures come in smaller ones. */
const LARGEST_BATCH = 2 ** 22;
/** How many mistakes the gallery shows. */
const MISTAKES = 24;
/** How often the confusion matrix and the gallery are sent while it runs. */
const DETAILS_MS = 700;

/** The file read last, so that a second run does not fetch thirty megabytes again. */
let cached: { key: string; bytes: Uint8Array } | undefined;

/** Pictures whose class is known. */
interface TestPictures {
  /** The class of each. */
  truths: ArrayLike<number>;
  name(index: number): string;
  /**
   * Puts one into a batch, as the net takes it.
   * @returns what it then looks like; undefined if it cannot be read
   */
  put(
    index: number,
    batch: Float32Array,
    offset: number,
  ): Promise<(Pick<Mistake, 'width' | 'height'> & { rgba: () => Mistake['rgba'] }) | undefined>;
  /** What was left out, a sentence each. */
  notes(): string[];
}

/**
 * Runs the open model over the first `limit` pictures of a test set. Aborting stops it after the batch at
 * hand; the report then covers what was done. While the gate is closed it waits.
 * @throws UserError if the test set is none, or does not fit the model
 */
export async function evaluate(
  { source, limit }: { source: TestSetSource; limit: number },
  { progress, signal, gate }: CallContext<EvaluationState>,
): Promise<EvaluationReport> {
  const model = currentModel();
  if (model.metadata.scores === 'independent') {
    throw new UserError(
      `${model.name} judges every class by itself, as a picture may show several; its accuracy on pictures of one class each would say nothing.`,
    );
  }
  const pictures =
    'pictures' in source
      ? picturesOfFolder(source, model)
      : await picturesOfCifar(source, model, signal, progress);
  const total = Math.min(limit, pictures.truths.length);
  const metrics = new ClassificationMetrics(model.classes);
  const confusion = new ConfusionMatrix(model.classes);
  const worst = new WorstMistakes(MISTAKES);
  const details = (): EvaluationDetails => ({
    confusion: confusion.counts,
    mistakes: worst.list,
  });
  const size = 3 * model.pixels;
  const batch = new Float32Array(Math.max(1, Math.min(BATCH, Math.floor(LARGEST_BATCH / size))) * size);
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
    const last = Math.min(total, done + batch.length / size);
    const put: { index: number; shown: NonNullable<Awaited<ReturnType<TestPictures['put']>>> }[] = [];
    for (let index = done; index < last; index++) {
      const shown = await pictures.put(index, batch, put.length * size);
      if (shown) put.push({ index, shown });
    }
    if (put.length > 0) {
      const { logits } = await model.run(batch, put.length);
      const truths = put.map(({ index }) => pictures.truths[index]!);
      metrics.add(logits, truths, put.length);
      confusion.add(logits, truths, put.length);
      put.forEach(({ index, shown }, i) => {
        const picture = { record: index, name: pictures.name(index), truth: truths[i]! };
        const own = logits.subarray(i * model.classes, (i + 1) * model.classes);
        worst.add(picture, own, model.metadata.scores, () => ({ ...shown, rgba: shown.rgba() }));
      });
    }
    done = last;
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
    notes: pictures.notes(),
  };
}

/** Pictures of the reader's own, prepared as for a guess; they may be of any size, and so may the model. */
function picturesOfFolder({ name, pictures }: FolderSource, model: OpenClassifier): TestPictures {
  const { known, unknown } = matchLabels(pictures, model.metadata.labels, name);
  const unread: string[] = [];
  const size = { width: model.metadata.inputWidth, height: model.metadata.inputHeight };
  return {
    truths: known.map(({ truth }) => truth),
    name: (index) => known[index]!.path,
    put: async (index, batch, offset) => {
      try {
        const small = prepareImage(await decodePicture(known[index]!.file), size);
        model.normalizer.interleaved(small.data, 3, batch, offset, model.pixels);
        return { ...size, rgba: () => rgbaOf(small) };
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        unread.push(known[index]!.path);
        return undefined;
      }
    },
    notes: () => [
      ...(unknown.length > 0 ? [`Left out, as the model does not know them: ${someOf(unknown)}.`] : []),
      ...(unread.length > 0 ? [`Could not be read: ${someOf(unread)}.`] : []),
    ],
  };
}

async function picturesOfCifar(
  source: CifarSource,
  model: OpenClassifier,
  signal: AbortSignal,
  progress: (state: EvaluationState) => void,
): Promise<TestPictures> {
  const { inputHeight, inputWidth, labels } = model.metadata;
  if (inputHeight !== SIDE || inputWidth !== SIDE || labels.length !== 100) {
    throw new UserError(
      `${model.name} has ${labels.length} classes and takes ${inputWidth}×${inputHeight} pictures, which CIFAR-100's are not; choose a folder of pictures of its classes.`,
    );
  }
  const bytes = await read(source, signal, progress);
  const records = new CifarRecords(bytes, model.classes, source.name);
  return {
    truths: records.labels,
    name: (index) => `Test picture ${index}`,
    put: async (index, batch, offset) => {
      model.normalizer.planar(bytes, records.offset(index), batch, offset, PIXELS);
      return { width: SIDE, height: SIDE, rgba: () => records.rgba(index) };
    },
    notes: () => [],
  };
}

async function read(
  source: CifarSource,
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

/** Keeps the mistakes that a model was surest of. */
class WorstMistakes {
  readonly #limit: number;
  #kept: Mistake[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The surest first. */
  get list(): readonly Mistake[] {
    return this.#kept;
  }

  /**
   * Looks at one picture.
   * @param logits [classes]
   * @param kind how they become probabilities
   * @param shown what it looks like, asked for if it is kept
   */
  add(
    picture: Pick<Mistake, 'record' | 'name' | 'truth'>,
    logits: Float32Array,
    kind: ScoreKind | undefined,
    shown: () => Pick<Mistake, 'width' | 'height' | 'rgba'>,
  ): void {
    const [guess] = topK(logits, 1);
    if (guess === undefined || guess === picture.truth) return;
    const probability = probabilitiesOf(logits, kind)[guess]!;
    if (this.#kept.length === this.#limit && !(probability > this.#kept.at(-1)!.probability)) return;
    this.#kept.push({ ...picture, guess, probability, ...shown() });
    this.#kept.sort((a, b) => b.probability - a.probability || a.record - b.record);
    this.#kept.length = Math.min(this.#kept.length, this.#limit);
  }
}
