import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageDataset, ImageSplit } from '../core/data/dataset.ts';
import { UserError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/fs/atomic-write.ts';
import { softmax } from '../core/metrics/softmax.ts';
import { topK } from '../core/metrics/top-k.ts';
import { evaluationBatches } from '../core/preprocess/evaluation-batches.ts';
import { RunDirectory } from '../core/runs/run-directory.ts';
import { openInRuntime } from '../core/runtime/open-in-runtime.ts';
import { Tensor } from '../core/runtime/session.ts';
import { readSafetensors } from '../core/weights/read-safetensors.ts';
import { encodeSafetensors } from '../core/weights/safetensors.ts';
import { findModel } from './fine-tune/start-model.ts';
import { flipsImages } from './loader/augment/horizontal-flip.ts';
import type { TrainConfig } from './recipe/settings.ts';
import type { LoadedModel } from './test-model/test-model.ts';

/** What a teacher says of the training images. */
export interface Teaching {
  /** [images, classes], on shared memory. */
  probabilities: Float32Array;
  /** The share that it has in the targets; the labels have the rest. */
  weight: number;
}

export interface TeachingOptions {
  /** What the run trains on. */
  split: ImageSplit;
  stopping: () => boolean;
  /** So many images are done. */
  onProgress: (images: number) => void;
  onNote: (line: string) => void;
}

/**
 * What the run's teacher says of each training image: the targets of a student, who learns from them that a bus is rather
 * like a truck (Hinton et al. 2015, arXiv:1503.02531, at temperature 1). It is asked once, about each image as it is and, where the run
 * mirrors images, about its mirror image, of which the mean is taken; crop and other augmentation change nothing of it. The
 * answers are kept with the run as `teacher.safetensors`, so that a resumed run has the same and does not need the teacher.
 * @returns undefined without a teacher; `stopped` if there was no time to ask it, and then nothing is kept
 * @throws UserError if the teacher cannot be read, has other classes, or takes images of another size
 */
export async function askTeacher(
  config: TrainConfig,
  dataset: ImageDataset,
  run: RunDirectory,
  { split, stopping, onProgress, onNote }: TeachingOptions,
): Promise<Teaching | 'stopped' | undefined> {
  const { teacher, teacherWeight } = config;
  if (teacher === undefined) return undefined;
  const classes = dataset.labels.length;
  const shape = [split.count, classes];
  const probabilities = new Float32Array(new SharedArrayBuffer(4 * split.count * classes));
  const path = join(run.path, 'teacher.safetensors');
  if (existsSync(path)) {
    const kept = (await readSafetensors(path, onlyProbabilities)).tensors.get(PROBABILITIES);
    if (kept?.dims.join() !== shape.join())
      throw new UserError(`${path} is not of this run's images; remove it to ask ${teacher} again`);
    probabilities.set(kept.data);
    return { probabilities, weight: teacherWeight };
  }
  const model = await openTeacher(teacher, dataset);
  // Where each of our classes stands among its own.
  const places = dataset.labels.map((label) => model.labels.indexOf(label));
  const mirrors = flipsImages(config);
  const { session } = await openInRuntime('onnxruntime', model.bytes, {});
  let right = 0;
  try {
    const input = session.inputMetadata[0]!;
    const ask = async (images: Float32Array, size: number, share: number, first: number): Promise<void> => {
      const dims = [size, 3, dataset.height, dataset.width];
      const result = await session.run({ [input.name]: new Tensor('float32', images, dims) });
      const logits = result[session.outputNames[0]!]!.data as Float32Array;
      for (let i = 0; i < size; i++) {
        const own = softmax(logits.subarray(i * classes, (i + 1) * classes));
        places.forEach((place, k) => {
          probabilities[(first + i) * classes + k]! += share * own[place]!;
        });
      }
    };
    const batchSize = model.oneByOne ? 1 : 100;
    let done = 0;
    for (const { images, labels, size } of evaluationBatches(split, model.normalization, batchSize)) {
      if (stopping()) return 'stopped';
      await ask(images, size, mirrors ? 0.5 : 1, done);
      if (mirrors) {
        for (let at = 0; at < images.length; at += dataset.width)
          images.subarray(at, at + dataset.width).reverse();
        await ask(images, size, 0.5, done);
      }
      for (let i = 0; i < size; i++) {
        const own = probabilities.subarray((done + i) * classes, (done + i + 1) * classes);
        if (topK(own, 1)[0] === labels[i]) right++;
      }
      done += size;
      onProgress(done);
    }
  } finally {
    await session.release();
  }
  if (!probabilities.every(Number.isFinite))
    throw new UserError(`${teacher} gives no finite scores of some training images; take another teacher`);
  const tensors = new Map([[PROBABILITIES, { dims: shape, data: Float32Array.from(probabilities) }]]);
  await writeFileAtomic(path, encodeSafetensors({ tensors, metadata: { format: 'pt' } }));
  onNote(
    `taught by ${teacher}, which is right about ${((100 * right) / split.count).toFixed(2)} % of the training images; what it says is kept in ${path}`,
  );
  return { probabilities, weight: teacherWeight };
}

/** The tensor of `teacher.safetensors`. */
const PROBABILITIES = 'probabilities';
const onlyProbabilities = (names: readonly string[]) =>
  new Map(names.filter((name) => name === PROBABILITIES).map((name) => [name, name]));

/**
 * Looks at a teacher before anything is made.
 * @throws UserError as {@link askTeacher}
 */
export async function checkTeacher({ teacher }: TrainConfig, dataset: ImageDataset): Promise<void> {
  if (teacher !== undefined) await openTeacher(teacher, dataset);
}

/** @throws UserError if it cannot be read, or does not tell the dataset's classes apart on its images */
async function openTeacher(
  teacher: string,
  { labels, height, width, normalization }: ImageDataset,
): Promise<LoadedModel & { labels: string[]; normalization: ImageDataset['normalization'] }> {
  const { loadModel } = await import('./test-model/test-model.ts');
  const model = await loadModel(await findTeacher(teacher));
  if (model.height !== height || model.width !== width) {
    throw new UserError(
      `--teacher ${teacher} takes images of ${model.width}x${model.height}, and these have ${width}x${height}; a net of this trainer's may resize them in its graph (train --from, --net-size)`,
    );
  }
  if (!model.labels)
    throw new UserError(
      `--teacher ${teacher} does not say which class is which; export it with its labels (npm run export)`,
    );
  const own = new Set(model.labels);
  const missing = labels.find((label) => !own.has(label));
  if (missing !== undefined || own.size !== labels.length) {
    const difference =
      missing === undefined ? `has ${own.size} classes, not ${labels.length}` : `does not know "${missing}"`;
    throw new UserError(
      `--teacher ${teacher} ${difference}; it has to tell apart the classes that are trained`,
    );
  }
  return { ...model, labels: model.labels, normalization: model.normalization ?? normalization };
}

/** A file, the best weights of a run, or the file of a model of that name. */
async function findTeacher(teacher: string): Promise<string> {
  const path = await findModel(teacher, '--teacher');
  if (!existsSync(join(path, 'config.json'))) return path;
  const best = RunDirectory.open(path).checkpointPath('best');
  if (existsSync(best)) return best;
  throw new UserError(`--teacher ${teacher}: the run has no best checkpoint yet; no epoch of it is done`);
}
