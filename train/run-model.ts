import { existsSync } from 'node:fs';
import type { ImageDataset } from '../core/data/dataset.ts';
import { writeFileAtomic } from '../core/fs/atomic-write.ts';
import { buildModel } from '../core/models/zoo.ts';
import type { Graph } from '../core/onnx/graph.ts';
import type { RunDirectory } from '../core/runs/run-directory.ts';

/**
 * The model that a run trains, without the weights of its checkpoints: the one it went on from, which it keeps as
 * model.onnx, or that of the zoo.
 * @throws UserError if the file is damaged
 */
export async function modelOfRun(
  run: RunDirectory,
  model: string,
  { labels, height }: Pick<ImageDataset, 'labels' | 'height'>,
): Promise<Graph> {
  if (!existsSync(run.modelPath)) return buildModel(model, { numClasses: labels.length, imageSize: height });
  const [{ decodeModel }, { readModelBytes }] = await Promise.all([
    import('../core/onnx/model-file.ts'),
    import('../core/onnx/read-model-bytes.ts'),
  ]);
  const { graph } = decodeModel(await readModelBytes(run.modelPath, run.modelPath), run.modelPath);
  return { ...graph, name: model };
}

/** Keeps a model that is not of the zoo with the run that trains it. */
export async function keepModel(run: RunDirectory, model: Graph): Promise<void> {
  const { encodeModel } = await import('../core/onnx/model-file.ts');
  await writeFileAtomic(run.modelPath, encodeModel(model));
}
