import type { ImageDataset } from '../../core/data/dataset.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { createEngine } from '../engine/create-engine.ts';
import type { TrainingEngine } from '../engine/engine.ts';
import type { Device } from '../engine/providers/device.ts';
import type { TrainConfig } from '../recipe/settings.ts';
import { ResizableEngine } from './resizable-engine.ts';
import { imageSizeAt } from './stages.ts';

export interface EngineForRun {
  config: TrainConfig;
  /** For whole images, with the weights the run starts from. */
  model: Graph;
  dataset: Pick<ImageDataset, 'height'>;
}

/**
 * Makes the engine of a run, for the size that its first images have.
 * @throws UserError if the device cannot run it, or the model cannot be trained
 */
export async function engineForRun(
  { config, model, dataset }: EngineForRun,
  threads?: number,
  device?: Device,
): Promise<TrainingEngine> {
  if (config.progressive.length === 0) return createEngine(model, config, threads, device);
  return ResizableEngine.create(imageSizeAt(config, 0, dataset.height), (imageSize) =>
    createEngine(
      imageSize === dataset.height ? model : resizedModel(model, imageSize),
      config,
      threads,
      device,
    ),
  );
}

/** The same net for images of another size: it ends in a global average, so nothing else of it depends on that. */
function resizedModel(model: Graph, imageSize: number): Graph {
  const inputs = model.inputs.map((input) => ({
    ...input,
    dims: [...input.dims.slice(0, 2), imageSize, imageSize],
  }));
  return { ...model, inputs };
}
