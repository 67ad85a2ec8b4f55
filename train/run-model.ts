import { existsSync } from 'node:fs';
import type { ImageDataset } from '../core/data/dataset.ts';
import { writeFileAtomic } from '../core/fs/atomic-write.ts';
import { buildModel } from '../core/models/zoo.ts';
import type { Graph } from '../core/onnx/graph.ts';
import type { RunDirectory } from '../core/runs/run-directory.ts';

/**
 * The model that a run trains, without the weights of its checkpoints: the one it went on from, which it keeps as
 * model.onnx, or that of the zoo.
 * @returns with the licence of its weights, if it went on from some that have one
 * @throws UserError if the file is damaged
 */
export async function modelOfRun(
  run: RunDirectory,
  model: string,
  { labels, height }: Pick<ImageDataset, 'labels' | 'height'>,
): Promise<{ graph: Graph; licence?: string }> {
  if (!existsSync(run.modelPath)) {
    return { graph: buildModel(model, { numClasses: labels.length, imageSize: height }) };
  }
  const [{ decodeModel }, { readModelBytes }] = await Promise.all([
    import('../core/onnx/model-file.ts'),
    import('../core/onnx/read-model-bytes.ts'),
  ]);
  const { graph, metadata } = decodeModel(await readModelBytes(run.modelPath, run.modelPath), run.modelPath);
  const { licence } = metadata;
  return { graph: { ...graph, name: model }, ...(licence && { licence }) };
}

/** Keeps a model that is not of the zoo with the run that trains it. */
export async function keepModel(run: RunDirectory, model: Graph, licence?: string): Promise<void> {
  const { encodeModel } = await import('../core/onnx/model-file.ts');
  await writeFileAtomic(run.modelPath, encodeModel(model, licence ? { licence } : {}));
}
